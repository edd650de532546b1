"""rclone with a customer key, as a Debian package. It sends the trio on HEAD, GET, PUT and every step of a multipart
upload, and both trios on a copy; it never takes an ETag for an MD5.
"""
import os
import subprocess

import keys
import tools
from checks import main, same, that
from server import REGION, Server

BUCKET = "rclone-lane"


def run(lane, given):
    """All checks."""
    program = tools.program("rclone", "rclone")
    with Server(given.bin) as server:
        server.boto3().create_bucket(Bucket=BUCKET)
        key = keys.fresh()
        work = server.scratch / "rclone"
        (work / "from").mkdir(parents=True)
        rclone = lambda *words, held=key, status=0: call(program, server, work, held, words, status)  # noqa: E731
        trees(lane, server, rclone, work, key)
        refusals(lane, rclone)
        copies(lane, rclone, work)


def call(program, server, work, key, words, status):
    """Runs rclone with the remote `s3:`; its standard output."""
    access, secret = server.credentials()
    remote = {
        "TYPE": "s3", "PROVIDER": "Other", "ACCESS_KEY_ID": access, "SECRET_ACCESS_KEY": secret, "REGION": REGION,
        "ENDPOINT": server.endpoint, "FORCE_PATH_STYLE": "true", "CHUNK_SIZE": "5Mi", "UPLOAD_CUTOFF": "8Mi",
    }
    if key:
        remote |= {"SSE_CUSTOMER_ALGORITHM": "AES256", "SSE_CUSTOMER_KEY_BASE64": keys.b64(key), "SSE_CUSTOMER_KEY_MD5": keys.md5(key)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RCLONE_"))}
    environment |= {f"RCLONE_CONFIG_S3_{name}": value for name, value in remote.items()}
    flags = ["--config", str(work / "none.conf"), "--ca-cert", str(server.ca), "--retries", "1", "--low-level-retries", "1"]
    ended = subprocess.run([program, *flags, *words], cwd=work, env=environment, capture_output=True, text=True, timeout=300)
    same(ended.returncode == 0, status == 0, f"rclone {' '.join(words)}: {ended.stderr[-1500:]}")
    return ended.stdout if status == 0 else ended.stderr


def trees(lane, server, rclone, work, key):
    """A tree in and out, small objects and parts."""
    sizes = {"empty": 0, "small": 5, "folder/chunked": 70_000, "folder/parts": (12 << 20) + 1}
    for name, size in sizes.items():
        (work / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (work / "from" / name).write_bytes(os.urandom(size) if size > 9 else b"abcde"[:size])
    with lane.check("copy a tree in"):
        rclone("copy", "from", f"s3:{BUCKET}/tree")
        s3 = server.boto3()
        for name, size in sizes.items():
            head = s3.head_object(Bucket=BUCKET, Key=f"tree/{name}", **keys.boto(key))
            same((head["ContentLength"], head["SSECustomerAlgorithm"]), (size, "AES256"))
    with lane.check("copy it out, and compare byte by byte"):
        rclone("copy", f"s3:{BUCKET}/tree", "to")
        for name in sizes:
            same((work / "to" / name).read_bytes() == (work / "from" / name).read_bytes(), True, name)
        rclone("check", "--download", "from", f"s3:{BUCKET}/tree")
    with lane.check("a second copy has nothing to do, for the times in the metadata are read with the key"):
        told = rclone("lsl", f"s3:{BUCKET}/tree")
        same(len(told.splitlines()), len(sizes))
        before = {row["Key"]: row["LastModified"] for row in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
        rclone("copy", "from", f"s3:{BUCKET}/tree")
        same({row["Key"]: row["LastModified"] for row in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}, before)
    with lane.check("cat a range"):
        told = rclone("cat", "--offset", "1", "--count", "3", f"s3:{BUCKET}/tree/small")
        same(told, (work / "from/small").read_text()[1:4])


def refusals(lane, rclone):
    """Without the key, and with another."""
    with lane.check("no key and a wrong key read nothing"):
        for held, code in ((None, "400"), (keys.fresh(), "403")):
            told = rclone("cat", f"s3:{BUCKET}/tree/folder", held=held, status=1)
            that(code in told, f"wanted {code}: {told}")
    with lane.check("listing and deleting need no key"):
        rclone("delete", "--include", "/empty", f"s3:{BUCKET}/tree", held=None)
        that("empty" not in rclone("lsf", f"s3:{BUCKET}/tree", held=None), "still listed")


def copies(lane, rclone, work):
    """Copies on the server: of one request, and of parts beyond the cutoff."""
    with lane.check("a copy on the server"):
        rclone("copyto", f"s3:{BUCKET}/tree/folder/chunked", f"s3:{BUCKET}/copied")
        rclone("copyto", f"s3:{BUCKET}/copied", "copied")
        same((work / "copied").read_bytes() == (work / "from/folder/chunked").read_bytes(), True)
    with lane.check("a copy of parts on the server"):
        rclone("--s3-copy-cutoff", "6Mi", "copyto", f"s3:{BUCKET}/tree/folder/parts", f"s3:{BUCKET}/copied-parts")
        rclone("copyto", f"s3:{BUCKET}/copied-parts", "copied-parts")
        same((work / "copied-parts").read_bytes() == (work / "from/folder/parts").read_bytes(), True)


if __name__ == "__main__":
    main("rclone", run)
