"""A provider's published SSE-C guide, command by command in a shell, as its reader would type it.

Changed is only the bucket's name. The endpoint and the CA come from the environment. The guide runs
twice: under the provider's profile with the guide's own recipe for the MD5, verbatim, and under `aws`
with the RFC 1321 digest that the guide's table asks for, since AWS refuses the recipe's value.
"""
import json
import pathlib
import shutil

import keys
from checks import main, same, that
from guides import Terminal
from raw import Raw
from server import Server

BUCKET = "guide"
MAGIC = "/etc/magic"

MAKE_KEY = "encKey=$(openssl rand -base64 32)"
MAKE_MD5 = "md5Key=$(echo $encKey | md5sum | awk '{print $1}' | base64 -w0)"
MAKE_RFC_MD5 = "md5Key=$(echo -n $encKey | base64 -d | openssl md5 -binary | base64 -w0)"

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


def run(lane, given):
    """The guide from top to bottom, twice."""
    if not shutil.which("openssl"):
        lane.skip("the guide", "no openssl (apt-get install openssl)")
        return
    with Server(given.bin, profile="ovh", plain_http=True) as server:
        guide(lane, server, MAKE_MD5)
        sentences(lane, server)
    with Server(given.bin, profile="aws") as server:
        guide(lane, server, MAKE_RFC_MD5)


def guide(lane, server, make_md5):
    """Every command, in its order."""
    profile = server.profile
    body = pathlib.Path(MAGIC)
    if not body.is_file():
        print(f"note: no {MAGIC} on this machine; another file takes its place")
        body = server.scratch / "magic"
        body.write_text("# Magic local data for file(1) command.\n" * 3)
    terminal = Terminal(server, {"<bucket_name>": BUCKET, MAGIC: str(body)}, ["encKey", "md5Key"])
    terminal.type("aws s3 mb s3://<bucket_name>")
    with lane.check(f"{profile}: creating an encryption key"):
        terminal.type(MAKE_KEY)
        terminal.type(make_md5)
    with lane.check(f"{profile}: uploading an object with SSE-C"):
        that(json.loads(terminal.type(PUT))["ETag"], "no ETag")
    with lane.check(f"{profile}: downloading an object with SSE-C"):
        terminal.type(GET)
        same((terminal.directory / "decrypt_magic").read_bytes(), body.read_bytes())
    with lane.check(f"{profile}: downloading without encryption headers is refused"):
        code = {"ovh": "(BadRequest)", "aws": "(InvalidRequest)"}[profile]
        that(code in terminal.type(GET_WITHOUT, status=1), "another refusal")
    with lane.check(f"{profile}: getting object metadata with SSE-C"):
        head = json.loads(terminal.type(HEAD))
        same((head["ContentLength"], head["ContentType"]), (body.stat().st_size, "binary/octet-stream"))
    with lane.check(f"{profile}: getting object metadata without encryption headers is a Bad Request"):
        said = terminal.type(HEAD_WITHOUT, status=1)
        that("An error occurred (400) when calling the HeadObject operation: Bad Request" in said, said)
    with lane.check(f"{profile}: deleting an encrypted object needs no key"):
        that("delete: s3://guide/encrypt_magic" in terminal.type(REMOVE), "not deleted")
    presigned(lane, server)


def presigned(lane, server):
    """The guide's last section: the algorithm is signed, all three headers are sent."""
    import urllib.request

    # SigV4 by name: without it botocore presigns by the retired SigV2.
    key, s3 = keys.fresh(), server.boto3(signature_version="s3v4")
    with lane.check(f"{server.profile}: presigned URLs and SSE-C"):
        for method, operation, body in (("PUT", "put_object", b"presigned"), ("GET", "get_object", None), ("HEAD", "head_object", None)):
            params = dict(Bucket=BUCKET, Key="presigned", SSECustomerAlgorithm="AES256")
            url = s3.generate_presigned_url(operation, Params=params, HttpMethod=method)
            request = urllib.request.Request(url, body, keys.trio(key), method=method)
            with urllib.request.urlopen(request, context=server.tls(), timeout=30) as answer:
                same(answer.read(), b"presigned" if method == "GET" else b"")


def sentences(lane, server):
    """What the guide says beside its commands, and what holds beside the guide."""
    raw, key, other = Raw(server), keys.fresh(), keys.fresh()
    path = f"/{BUCKET}/sentence"
    without_md5 = {name: value for name, value in keys.trio(key).items() if name != keys.MD5}
    with lane.check("ovh: the MD5 is optional"):
        same(raw.request("PUT", path, without_md5, b"body").status, 200)
        same(raw.request("GET", path, without_md5).body, b"body")
    with lane.check("ovh: an MD5 that is neither the digest nor the guide's is refused"):
        same(raw.request("PUT", path, keys.trio(key) | {keys.MD5: keys.md5(other)}, b"x").status, 400)
    with lane.check("ovh: another key is refused"):
        same(raw.request("GET", path, keys.trio(other)).status, 403)
    with lane.check("ovh: a key of another length is a Bad Request"):
        answer = raw.request("PUT", path, {keys.ALG: "AES256", keys.KEY: keys.b64(b"short")}, b"x")
        same((answer.status, answer.code), (400, "BadRequest"))
    with lane.check("ovh: an algorithm without a key stores nothing"):
        same(raw.request("PUT", f"/{BUCKET}/nothing", {keys.ALG: "AES256"}, b"x").status, 400)
        same(raw.request("GET", f"/{BUCKET}/nothing").status, 404)
    with lane.check("ovh: no key over plain HTTP"):
        same(Raw(server, plain=True).request("PUT", path, without_md5, b"x").status, 400)
    with lane.check("ovh: the key is stored nowhere"):
        needles = (key, keys.b64(key).encode(), key.hex().encode())
        held = [file for file in server.files() if any(needle in file.read_bytes() for needle in needles)]
        same(held, [])


if __name__ == "__main__":
    main("ovh_guide", run)
