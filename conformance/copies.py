"""Copies through boto3: every kind of source to every kind of target, as objects and as parts; new
keys for old objects; and what a copy must never do.

The matrices are those that S3 test suites call copy_enc and copy_part_enc.
"""
import hashlib
import os
import time

import keys
from boto3_lane import echoes, fails
from checks import main, same, that
from server import Server

BUCKET = "copies"
SIZES = (1, 1024, 1 << 20, 8 << 20)
PART = 5 << 20
REKEY_SECONDS_MAX = 1.0  # generous: one commit and a request, on whatever machine and build this is
HELD = {
    "plain": {},
    "sse-s3": {"ServerSideEncryption": "AES256"},
    "sse-c a": keys.boto(hashlib.sha256(b"a").digest()),
    "sse-c b": keys.boto(hashlib.sha256(b"b").digest()),
}


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        s3 = server.boto3()
        s3.create_bucket(Bucket=BUCKET)
        for size in SIZES:
            objects(lane, s3, size)
            parts(lane, s3, size)
        managed(lane, s3)
        rekeying(lane, server, s3)
        by_request(lane, server, s3)
    with Server(given.bin, environment={"STRONGROOM_COPY_MODE": "reencrypt"}) as server:
        by_configuration(lane, server)


def opens(held):
    """The parameters of a read."""
    return {name: value for name, value in held.items() if name.startswith("SSECustomer")}


def source(held):
    """The parameters of a copy from it."""
    return {"CopySource" + name: value for name, value in opens(held).items()}


def other():
    """The parameters of a copy from it with a key that is nobody's."""
    return keys.boto_source(hashlib.sha256(b"other").digest())


def refusals(held, call):
    """A copy without the right key of its source."""
    if opens(held):
        fails(400, "InvalidRequest", call)
    fails(400, "InvalidRequest", call, **other())


def objects(lane, s3, size):
    """CopyObject."""
    for source_name, from_held in HELD.items():
        body = os.urandom(size)
        for target_name, to_held in HELD.items():
            with lane.check(f"{size} bytes copied from {source_name} to {target_name}"):
                s3.put_object(Bucket=BUCKET, Key="from", Body=body, **from_held)
                common = dict(Bucket=BUCKET, Key="to", CopySource={"Bucket": BUCKET, "Key": "from"}, **to_held)
                refusals(from_held, lambda **more: s3.copy_object(**common, **more))
                copied = s3.copy_object(**common, **source(from_held))
                echoes(copied, opens(to_held))
                got = s3.get_object(Bucket=BUCKET, Key="to", **opens(to_held))
                same(got["Body"].read() == body, True, "the same bytes")
                same(got["ETag"], copied["CopyObjectResult"]["ETag"])
                if opens(to_held):
                    fails(400, "InvalidRequest", s3.get_object, Bucket=BUCKET, Key="to")
                same(s3.get_object(Bucket=BUCKET, Key="from", **opens(from_held))["Body"].read() == body, True, "the source stays")


def parts(lane, s3, size):
    """UploadPartCopy, whole and by range; Complete without a key."""
    for source_name, from_held in HELD.items():
        body = os.urandom(size)
        for target_name, to_held in HELD.items():
            with lane.check(f"{size} bytes copied as parts from {source_name} to {target_name}"):
                s3.put_object(Bucket=BUCKET, Key="from", Body=body, **from_held)
                upload = s3.create_multipart_upload(Bucket=BUCKET, Key="to", **to_held)["UploadId"]
                common = dict(Bucket=BUCKET, Key="to", UploadId=upload, CopySource={"Bucket": BUCKET, "Key": "from"}, **opens(to_held))
                refusals(from_held, lambda **more: s3.upload_part_copy(PartNumber=1, **common, **more))
                etags = []
                for number, first in enumerate(range(0, size, PART), 1):
                    wanted = f"bytes={first}-{min(first + PART, size) - 1}"
                    part = s3.upload_part_copy(PartNumber=number, CopySourceRange=wanted, **common, **source(from_held))
                    echoes(part, opens(to_held))
                    etags.append(part["CopyPartResult"]["ETag"])
                rows = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
                s3.complete_multipart_upload(Bucket=BUCKET, Key="to", UploadId=upload, MultipartUpload={"Parts": rows})
                got = s3.get_object(Bucket=BUCKET, Key="to", **opens(to_held))
                same(got["Body"].read() == body, True, "the same bytes")


def managed(lane, s3):
    """boto3's own copy, which heads the source and splits what is large."""
    import boto3.s3.transfer
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=PART)
    for size in (1000, 12 << 20):
        with lane.check(f"a managed copy of {size} bytes"):
            old, new, body = HELD["sse-c a"], HELD["sse-c b"], os.urandom(size)
            s3.put_object(Bucket=BUCKET, Key="managed", Body=body, **old)
            s3.copy({"Bucket": BUCKET, "Key": "managed"}, BUCKET, "managed-copy", Config=config,
                    ExtraArgs={**source(old), **new}, SourceClient=s3)
            same(s3.get_object(Bucket=BUCKET, Key="managed-copy", **new)["Body"].read() == body, True, "the same bytes")


def rekeying(lane, server, s3):
    """A new key for an object: the body stays, the old key does not open it any more."""
    old, new = HELD["sse-c a"], HELD["sse-c b"]
    for size in (0, 5_000, 64 << 20):
        with lane.check(f"a new key for {size} bytes in place"):
            body = os.urandom(size)
            s3.put_object(Bucket=BUCKET, Key="rekey", Body=body, **old)
            before, begun = server.bodies(), time.monotonic()
            s3.copy_object(Bucket=BUCKET, Key="rekey", CopySource={"Bucket": BUCKET, "Key": "rekey"}, **source(old), **new)
            took = time.monotonic() - begun
            print(f"{size} bytes: {took * 1000:.1f} ms")
            that(took < REKEY_SECONDS_MAX, f"{took:.3f} s")
            # Bodies may go meanwhile (what the lane overwrote is deleted lazily); none may come.
            same(server.bodies() - before, set(), "bodies that were written")
            fails(403, "AccessDenied", s3.get_object, Bucket=BUCKET, Key="rekey", **old)
            same(s3.get_object(Bucket=BUCKET, Key="rekey", **new)["Body"].read() == body, True, "the same bytes")


def by_request(lane, server, s3):
    """`x-strongroom-copy-mode: reencrypt` on one request."""
    with lane.check("a copy that is sealed anew on request"):
        asked = server.boto3()
        asked.meta.events.register("before-call.s3.CopyObject", lambda params, **_: params["headers"].update({"x-strongroom-copy-mode": "reencrypt"}))
        before = one_object(s3, server)
        copy_onto_itself(asked)
        that(server.bodies() - before, "no new body")


def by_configuration(lane, server):
    """`--copy-mode reencrypt`, here as its variable."""
    with lane.check("a server that seals every copy anew"):
        s3 = server.boto3()
        s3.create_bucket(Bucket=BUCKET)
        before = one_object(s3, server)
        copy_onto_itself(s3)
        that(server.bodies() - before, "no new body")


def one_object(s3, server):
    """Puts an object large enough for a file; the bodies then."""
    s3.put_object(Bucket=BUCKET, Key="anew", Body=os.urandom(100_000), **HELD["sse-c a"])
    return server.bodies()


def copy_onto_itself(s3):
    """A new key for it."""
    s3.copy_object(Bucket=BUCKET, Key="anew", CopySource={"Bucket": BUCKET, "Key": "anew"}, **source(HELD["sse-c a"]), **HELD["sse-c b"])


if __name__ == "__main__":
    main("copies", run)
