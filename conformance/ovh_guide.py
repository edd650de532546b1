"""A provider's published SSE-C guide, command by command in a shell, as its reader would type it.

Changed are only the bucket's name, and the recipe for the MD5, which here is the RFC 1321 digest
that the guide's own table asks for. The endpoint and the CA come from the environment.
"""
import json
import pathlib
import shutil
import subprocess

from checks import main, same, that
from server import Server

BUCKET = "guide"
MAGIC = "/etc/magic"

MAKE_KEY = "encKey=$(openssl rand -base64 32)"
MAKE_MD5 = "md5Key=$(echo -n $encKey | base64 -d | openssl md5 -binary | base64 -w0)"

PUT = """aws s3api put-object \\
  --body /etc/magic \\
  --bucket <bucket_name> \\
  --key encrypt_magic \\
  --sse-customer-algorithm AES256 \\
  --sse-customer-key $encKey \\
  --sse-customer-key-md5 $md5Key
"""
GET = """aws s3api get-object \\
  --bucket <bucket_name> \\
  --key encrypt_magic \\
  --sse-customer-algorithm AES256 \\
  --sse-customer-key $encKey \\
  --sse-customer-key-md5 $md5Key \\
  decrypt_magic
"""
GET_WITHOUT = """aws s3api get-object \\
  --bucket <bucket_name> \\
  --key encrypt_magic \\
  decrypt_magic
"""
HEAD = """aws s3api head-object \\
  --bucket <bucket_name> \\
  --key encrypt_magic \\
  --sse-customer-algorithm AES256 \\
  --sse-customer-key $encKey \\
  --sse-customer-key-md5 $md5Key
"""
HEAD_WITHOUT = """aws s3api head-object \\
  --bucket <bucket_name> \\
  --key encrypt_magic
"""
REMOVE = "aws s3 rm s3://<bucket_name>/encrypt_magic"


class Terminal:
    """One shell session: variables stay from command to command by a file."""

    def __init__(self, server, body):
        self.directory = server.scratch / "terminal"
        self.directory.mkdir()
        self.environment, self.body = server.client_environment(), body

    def type(self, command, status=0):
        """Runs a command of the guide; what it printed."""
        text = command.replace("<bucket_name>", BUCKET).replace(MAGIC, str(self.body))
        line = f"[ -f .session ] && . ./.session\n{text}\nended=$?\ndeclare -p encKey md5Key > .session 2>/dev/null\nexit $ended"
        ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60,
                               cwd=self.directory, env=self.environment)
        same(ended.returncode != 0, status != 0, f"failure of {text!r}: {ended.stderr}")
        return ended.stdout if status == 0 else ended.stderr


def run(lane, given):
    """The guide from top to bottom."""
    if not shutil.which("openssl"):
        lane.skip("the guide", "no openssl (apt-get install openssl)")
        return
    with Server(given.bin) as server:
        body = pathlib.Path(MAGIC)
        if not body.is_file():
            print(f"note: no {MAGIC} on this machine; another file takes its place")
            body = server.scratch / "magic"
            body.write_text("# Magic local data for file(1) command.\n" * 3)
        terminal = Terminal(server, body)
        terminal.type("aws s3 mb s3://<bucket_name>")
        with lane.check("creating an encryption key"):
            terminal.type(MAKE_KEY)
            terminal.type(MAKE_MD5)
        with lane.check("uploading an object with SSE-C"):
            that(json.loads(terminal.type(PUT))["ETag"], "no ETag")
        with lane.check("downloading an object with SSE-C"):
            terminal.type(GET)
            same((terminal.directory / "decrypt_magic").read_bytes(), body.read_bytes())
        with lane.check("downloading without encryption headers is refused"):
            that("(InvalidRequest)" in terminal.type(GET_WITHOUT, status=1), "another refusal")
        with lane.check("getting object metadata with SSE-C"):
            head = json.loads(terminal.type(HEAD))
            same((head["ContentLength"], head["ContentType"]), (body.stat().st_size, "binary/octet-stream"))
        with lane.check("getting object metadata without encryption headers is a Bad Request"):
            said = terminal.type(HEAD_WITHOUT, status=1)
            that("An error occurred (400) when calling the HeadObject operation: Bad Request" in said, said)
        with lane.check("deleting an encrypted object needs no key"):
            that("delete: s3://guide/encrypt_magic" in terminal.type(REMOVE), "not deleted")
        presigned(lane, server)


def presigned(lane, server):
    """The guide's last section: the algorithm is signed, all three headers are sent."""
    import urllib.request

    import keys
    # SigV4 by name: without it botocore presigns by the retired SigV2.
    key, s3 = keys.fresh(), server.boto3(signature_version="s3v4")
    with lane.check("presigned URLs and SSE-C"):
        for method, operation, body in (("PUT", "put_object", b"presigned"), ("GET", "get_object", None), ("HEAD", "head_object", None)):
            params = dict(Bucket=BUCKET, Key="presigned", SSECustomerAlgorithm="AES256")
            url = s3.generate_presigned_url(operation, Params=params, HttpMethod=method)
            request = urllib.request.Request(url, body, keys.trio(key), method=method)
            with urllib.request.urlopen(request, context=server.tls(), timeout=30) as answer:
                same(answer.read(), b"presigned" if method == "GET" else b"")


if __name__ == "__main__":
    main("ovh_guide", run)
