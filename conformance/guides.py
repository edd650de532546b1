"""What the lanes of the providers' guides share: a shell to type commands into, and a form to post."""
import base64
import datetime
import hashlib
import hmac
import json
import subprocess

from checks import same
from raw import Raw, derive
from server import REGION


class Terminal:
    """One shell session: variables stay from command to command by a file."""

    def __init__(self, server, replaced, variables):
        self.directory = server.scratch / "terminal"
        self.directory.mkdir()
        self.environment, self.replaced = server.client_environment(), replaced
        self.variables = " ".join(variables)

    def type(self, command, status=0):
        """Runs a command of a guide; what it printed."""
        text = command
        for placeholder, value in self.replaced.items():
            text = text.replace(placeholder, value)
        line = f"[ -f .session ] && . ./.session\n{text}\nended=$?\ndeclare -p {self.variables} > .session 2>/dev/null\nexit $ended"
        ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60,
                               cwd=self.directory, env=self.environment)
        same(ended.returncode != 0, status != 0, f"failure of {text!r}: {ended.stderr}")
        return ended.stdout if status == 0 else ended.stderr


def served(answer, wanted=200):
    """The answer if it has the wanted status."""
    same(answer.status, wanted, f"status of {answer!r}")
    return answer


def form(raw: Raw, bucket, key, fields, file):
    """Target, headers and body of a POST Object with a SigV4 policy that names every field."""
    stamp = datetime.datetime.now(datetime.timezone.utc)
    day, moment = stamp.strftime("%Y%m%d"), stamp.strftime("%Y%m%dT%H%M%SZ")
    fields = {"key": key, **fields, "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-date": moment,
              "x-amz-credential": f"{raw.access}/{day}/{REGION}/s3/aws4_request"}
    ends = (stamp + datetime.timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [{"bucket": bucket}] + [{name: value} for name, value in fields.items()]
    policy = base64.b64encode(json.dumps({"expiration": ends, "conditions": conditions}).encode()).decode()
    tag = hmac.new(derive(raw.secret, day), policy.encode(), hashlib.sha256).hexdigest()
    fields |= {"policy": policy, "x-amz-signature": tag}
    rows = [f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    rows.append('--edge\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n')
    body = "".join(rows).encode() + file + b"\r\n--edge--\r\n"
    headers = [("Host", raw.host), ("Content-Type", "multipart/form-data; boundary=edge")]
    return f"/{bucket}", headers, body


def post(raw: Raw, bucket, key, fields, file):
    """POST Object of such a form."""
    return raw.send("POST", *form(raw, bucket, key, fields, file))


def complete(raw: Raw, path, upload, etags, headers=None):
    """CompleteMultipartUpload of parts 1, 2, ..."""
    parts = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in enumerate(etags, 1))
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return raw.request("POST", path, headers, body, {"uploadId": upload})
