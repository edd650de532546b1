"""aws-cli as shipped, over real TLS with AWS_CA_BUNDLE, with customer keys and without."""
import json
import os
import pathlib
import subprocess
import time
import urllib.request

import keys
from checks import main, same, that
from server import Server

BUCKET = "aws-cli-lane"


class Shell:
    """Runs aws in a scratch directory with the environment of one server."""

    def __init__(self, server):
        self.directory = server.scratch / "files"
        self.directory.mkdir()
        self.environment = server.client_environment()

    def aws(self, *words, status=0):
        """Standard output; fails on another exit code."""
        ended = subprocess.run(["aws", *map(str, words)], capture_output=True, text=True, timeout=300,
                               cwd=self.directory, env=self.environment)
        # aws-cli 1 ends with 255 where aws-cli 2 ends with 254: an error that the service answered.
        code = 254 if ended.returncode == 255 else ended.returncode
        same(code, status, f"exit code of aws {' '.join(map(str, words))}: {ended.stderr}")
        return ended.stdout if status == 0 else ended.stderr

    def api(self, command, *words, status=0):
        """`aws s3api`, its JSON read."""
        text = self.aws("s3api", command, "--bucket", BUCKET, *words, status=status)
        return text if status else json.loads(text or "{}")

    def file(self, name, size):
        """A file of random bytes."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        # LastModified counts whole seconds: a file of the same second could look newer than its upload to `sync`.
        os.utime(path, (time.time() - 10,) * 2)
        return path


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        shell = Shell(server)
        key, other = keys.fresh(), keys.fresh()
        for name, value in (("key", key), ("other", other)):
            (shell.directory / name).write_bytes(value)
        with lane.check("s3 mb and ls"):
            shell.aws("s3", "mb", f"s3://{BUCKET}")
            that(BUCKET in shell.aws("s3", "ls"), "the bucket is not listed")
        copies(lane, shell)
        wrong_keys(lane, shell)
        sync(lane, shell)
        api(lane, shell, key)
        presigned(lane, shell, server)
        with lane.check("s3 rm --recursive and rb"):
            shell.aws("s3", "rm", "--recursive", f"s3://{BUCKET}")
            shell.aws("s3", "rb", f"s3://{BUCKET}")
            that(BUCKET not in shell.aws("s3", "ls"), "the bucket is still listed")


SEALED = ("--sse-c", "AES256", "--sse-c-key", "fileb://key")


def copies(lane, shell):
    """cp at the sizes where aws-cli changes its ways: 8 MiB is where it begins to send parts."""
    for size in (0, 1, 100_000, 8 << 20, (20 << 20) + 3):
        for name, flags in (("sealed", SEALED), ("plain", ())):
            with lane.check(f"s3 cp {name}, {size} bytes"):
                path = shell.file(f"{name}-{size}", size)
                shell.aws("s3", "cp", *flags, path.name, f"s3://{BUCKET}/cp/{path.name}")
                shell.aws("s3", "cp", *flags, f"s3://{BUCKET}/cp/{path.name}", "back")
                same((shell.directory / "back").read_bytes() == path.read_bytes(), True, "the same bytes")
    with lane.check("s3 ls shows plain sizes"):
        listed = shell.aws("s3", "ls", "--recursive", f"s3://{BUCKET}/cp/")
        sizes = {line.split()[3]: int(line.split()[2]) for line in listed.splitlines()}
        same(sizes[f"cp/sealed-{8 << 20}"], 8 << 20)
        same(len(sizes), 10)
    with lane.check("s3 cp from and to a pipe"):
        command = f"head -c 9000000 /dev/zero | aws s3 cp {' '.join(SEALED)} - s3://{BUCKET}/pipe && aws s3 cp {' '.join(SEALED)} s3://{BUCKET}/pipe - | wc -c"
        ended = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True,
                               cwd=shell.directory, env=shell.environment, timeout=120)
        same((ended.returncode, ended.stdout.strip().splitlines()[-1:]), (0, ["9000000"]), ended.stderr)


def wrong_keys(lane, shell):
    """What a user sees who lost the key, or has another."""
    source = f"s3://{BUCKET}/cp/sealed-100000"
    with lane.check("s3 cp with the wrong key: Forbidden, and no file is left"):
        said = shell.aws("s3", "cp", "--sse-c", "AES256", "--sse-c-key", "fileb://other", source, "refused", status=1)
        that("403" in said and not (shell.directory / "refused").exists(), said)
    with lane.check("s3 cp without key: Bad Request, and no file is left"):
        said = shell.aws("s3", "cp", source, "refused", status=1)
        that("400" in said and not (shell.directory / "refused").exists(), said)


def sync(lane, shell):
    """A directory up, changed, and down again."""
    with lane.check("s3 sync up, again, and down"):
        for name in ("tree/a", "tree/b c/d", "tree/e/f/g"):
            shell.file(name, 3000)
        shell.aws("s3", "sync", *SEALED, "tree", f"s3://{BUCKET}/tree")
        same(shell.aws("s3", "sync", *SEALED, "tree", f"s3://{BUCKET}/tree").strip(), "", "a second sync")
        shell.file("tree/a", 4000)
        (shell.directory / "tree/e/f/g").unlink()
        changed = shell.aws("s3", "sync", "--delete", *SEALED, "tree", f"s3://{BUCKET}/tree")
        same((changed.count("upload:"), changed.count("delete:")), (1, 1), changed)
        shell.aws("s3", "sync", *SEALED, f"s3://{BUCKET}/tree", "down")
        same(contents(shell.directory / "down"), contents(shell.directory / "tree"))


def contents(directory):
    """Relative names and bytes of all files."""
    return {str(p.relative_to(directory)): p.read_bytes() for p in pathlib.Path(directory).rglob("*") if p.is_file()}


def api(lane, shell, key):
    """s3api with the three parameters written out."""
    flags = ("--sse-customer-algorithm", "AES256", "--sse-customer-key", keys.b64(key), "--sse-customer-key-md5", keys.md5(key))
    path = shell.file("api", 50_000)
    with lane.check("s3api put-object, head-object, get-object"):
        put = shell.api("put-object", "--key", "api", "--body", path.name, "--metadata", "a=1", *flags)
        same(put["SSECustomerKeyMD5"], keys.md5(key))
        head = shell.api("head-object", "--key", "api", *flags)
        same((head["ContentLength"], head["ETag"], head["Metadata"]), (50_000, put["ETag"], {"a": "1"}))
        shell.api("get-object", "--key", "api", *flags, "back")
        same((shell.directory / "back").read_bytes() == path.read_bytes(), True, "the same bytes")
    with lane.check("s3api get-object with a range"):
        shell.api("get-object", "--key", "api", "--range", "bytes=16380-16390", *flags, "back")
        same((shell.directory / "back").read_bytes(), path.read_bytes()[16380:16391])
    with lane.check("s3api get-object without key says what is wrong"):
        said = shell.api("get-object", "--key", "api", "back", status=254)
        that("InvalidRequest" in said and "correct parameters must be provided" in said, said)
    with lane.check("s3api list-objects-v2"):
        listed = shell.api("list-objects-v2", "--prefix", "api")
        same([(row["Key"], row["Size"]) for row in listed["Contents"]], [("api", 50_000)])
    with lane.check("s3api delete-objects"):
        shell.api("delete-objects", "--delete", json.dumps({"Objects": [{"Key": "api"}]}))
        that("Contents" not in shell.api("list-objects-v2", "--prefix", "api"), "still listed")


def presigned(lane, shell, server):
    """`aws s3 presign` for a plain object; it cannot add headers."""
    with lane.check("s3 presign"):
        # aws-cli 1 presigns by the retired SigV2 unless it is told otherwise; aws-cli 2 needs no word.
        (shell.directory / "config").write_text("[default]\ns3 =\n    signature_version = s3v4\n")
        shell.environment["AWS_CONFIG_FILE"] = str(shell.directory / "config")
        url = shell.aws("s3", "presign", f"s3://{BUCKET}/cp/plain-100000").strip()
        with urllib.request.urlopen(url, context=server.tls(), timeout=30) as answer:
            same(answer.read() == (shell.directory / "plain-100000").read_bytes(), True, "the same bytes")


if __name__ == "__main__":
    main("aws_cli", run)
