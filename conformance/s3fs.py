"""s3fs mounted with use_sse=custom, as a Debian package. It asks for each object without a key first, and tries its keys
only after a 400 or 403: a 404 there would make it believe that the file is gone.
"""
import contextlib
import os
import pathlib
import subprocess
import time

import keys
import tools
from checks import Skip, main, same, that
from server import Server

BUCKET = "s3fs-lane"
MOUNT_SECONDS_MAX = 20


def run(lane, given):
    """All checks."""
    program = tools.program("s3fs", "s3fs")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise Skip("no /dev/fuse that this user may open (run as root on a kernel with fuse)")
    with Server(given.bin) as server:
        s3 = server.boto3()
        s3.create_bucket(Bucket=BUCKET)
        key, older = keys.fresh(), keys.fresh()
        with mounted(program, server, [key, older]) as mount:
            files(lane, s3, mount, key)
            with lane.check("an object of an older key is read through the second line of the key file"):
                s3.put_object(Bucket=BUCKET, Key="older", Body=b"older", **keys.boto(older))
                same((mount / "older").read_bytes(), b"older")
            renames(lane, mount)
        with mounted(program, server, [key], ",nomultipart") as mount:
            large(lane, s3, mount, key)


@contextlib.contextmanager
def mounted(program, server, held, more=""):
    """The bucket as a directory; unmounted at the end."""
    mount, secret, customer = (server.scratch / name for name in ("mount", "passwd", "sse-c"))
    mount.mkdir(exist_ok=True)
    for path, text in ((secret, ":".join(server.credentials())), (customer, "".join(keys.b64(key) + "\n" for key in held))):
        path.touch(0o600)
        path.write_text(text)
    # Debian's s3fs, which is built with GnuTLS, cannot be told of another CA; what is judged here is behind TLS.
    options = f"no_check_certificate,url={server.endpoint},use_path_request_style,passwd_file={secret},use_sse=custom:{customer},multipart_size=5,retries=1{more}"
    with open(server.scratch / "s3fs.log", "wb") as log:
        process = subprocess.Popen([program, BUCKET, str(mount), "-f", "-o", options], stdout=log, stderr=log,
                                   env=server.client_environment())
    try:
        until = time.monotonic() + MOUNT_SECONDS_MAX
        while not mount.is_mount():
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError("not mounted: " + (server.scratch / "s3fs.log").read_text()[-1000:])
            time.sleep(0.1)
        yield pathlib.Path(mount)
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False, capture_output=True)
        process.terminate()
        process.wait(MOUNT_SECONDS_MAX)


def files(lane, s3, mount, key):
    """Written through the mount, they are sealed objects; sealed objects are files."""
    for name, size in (("empty", 0), ("small", 70_000), ("parts", (12 << 20) + 5)):
        with lane.check(f"a file of {size} bytes"):
            body = os.urandom(size)
            (mount / name).write_bytes(body)
            head = s3.head_object(Bucket=BUCKET, Key=name, **keys.boto(key))
            same((head["ContentLength"], head["SSECustomerAlgorithm"]), (size, "AES256"))
            same(s3.get_object(Bucket=BUCKET, Key=name, **keys.boto(key))["Body"].read() == body, True, "the same bytes")
            same((mount / name).stat().st_size, size)
    with lane.check("an object put by another client, read through the mount"):
        body = os.urandom(200_000)
        s3.put_object(Bucket=BUCKET, Key="put", Body=body, **keys.boto(key))
        same((mount / "put").read_bytes() == body, True, "the same bytes")
        with open(mount / "put", "rb") as file:
            file.seek(150_000)
            same(file.read(10), body[150_000:150_010])
    with lane.check("a directory, its listing, and removal"):
        (mount / "folder").mkdir()
        (mount / "folder/inside").write_bytes(b"inside")
        same(sorted(os.listdir(mount / "folder")), ["inside"])
        (mount / "folder/inside").unlink()
        (mount / "folder").rmdir()
        that("folder" not in os.listdir(mount), "still listed")


def large(lane, s3, mount, key):
    """A file that would be sent in parts, sent whole."""
    with lane.check("a file of 12582917 bytes with nomultipart"):
        body = os.urandom((12 << 20) + 5)
        (mount / "whole").write_bytes(body)
        same(s3.get_object(Bucket=BUCKET, Key="whole", **keys.boto(key))["Body"].read() == body, True, "the same bytes")
        same((mount / "whole").read_bytes() == body, True, "the same bytes")


def renames(lane, mount):
    """A rename is a copy on the server: source by the old key, destination by the newest."""
    with lane.check("rename and chmod"):
        (mount / "old").write_bytes(b"renamed")
        (mount / "old").rename(mount / "new")
        (mount / "new").chmod(0o600)
        same((mount / "new").read_bytes(), b"renamed")
        that(not (mount / "old").exists(), "the old name is still there")


if __name__ == "__main__":
    main("s3fs", run)
