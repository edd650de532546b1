"""minio-py: it signs and frames by itself, and shares no code with botocore. It insists on TLS for a customer key."""
import datetime
import io
import os

import urllib3
from minio import Minio
from minio.commonconfig import ComposeSource, CopySource
from minio.error import S3Error
from minio.sse import SseCustomerKey

import keys
from checks import main, same, that
from server import REGION, Server

BUCKET = "minio-py-lane"
PART = 5 << 20


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        client = connect(server)
        with lane.check("make, find and list a bucket"):
            client.make_bucket(bucket_name=BUCKET)
            same(client.bucket_exists(bucket_name=BUCKET), True)
            same([bucket.name for bucket in client.list_buckets()], [BUCKET])
        ssec, other = SseCustomerKey(keys.fresh()), SseCustomerKey(keys.fresh())
        objects(lane, client, ssec)
        parts(lane, client, ssec)
        refusals(lane, client, ssec, other)
        copies(lane, client, ssec, other)
        leaving(lane, client)


def connect(server):
    """A client that trusts the server's CA and never tries twice."""
    access, secret = server.credentials()
    pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=str(server.ca), retries=False, timeout=120)
    return Minio(endpoint=f"127.0.0.1:{server.port}", access_key=access, secret_key=secret, region=REGION, http_client=pool)


def read(client, name, ssec, **options):
    """The whole of an object, or of a range."""
    answer = client.get_object(bucket_name=BUCKET, object_name=name, ssec=ssec, **options)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def refused(status, code, call, **parameters):
    """The call fails so."""
    try:
        call(**parameters)
    except S3Error as error:
        same((error.response.status, error.code), (status, code), str(error))
        return
    raise AssertionError(f"succeeded instead of {status} {code}")


def objects(lane, client, ssec):
    """put, stat, get, ranges."""
    for size in (0, 1, 16385, (1 << 20) + 1):
        with lane.check(f"{size} bytes in and out"):
            body, name = os.urandom(size), f"sealed/{size}"
            put = client.put_object(bucket_name=BUCKET, object_name=name, data=io.BytesIO(body), length=size, sse=ssec)
            same(read(client, name, ssec) == body, True, "the same bytes")
            stat = client.stat_object(bucket_name=BUCKET, object_name=name, ssec=ssec)
            same((stat.size, stat.etag), (size, put.etag))
            if size > 9:
                same(read(client, name, ssec, offset=3, length=7), body[3:10])


def parts(lane, client, ssec):
    """minio-py sends parts by itself: of a stream of unknown length, and beyond the part size."""
    for what, length in (("a known length", 2 * PART + 3), ("an unknown length", -1)):
        with lane.check(f"multipart, {what}"):
            body = os.urandom(2 * PART + 3)
            client.put_object(bucket_name=BUCKET, object_name="parts", data=io.BytesIO(body), length=length, part_size=PART, sse=ssec)
            same(read(client, "parts", ssec) == body, True, "the same bytes")
            that(client.stat_object(bucket_name=BUCKET, object_name="parts", ssec=ssec).etag.endswith("-3"), "not of three parts")
            same(read(client, "parts", ssec, offset=PART - 2, length=4), body[PART - 2:PART + 2])


def refusals(lane, client, ssec, other):
    """No key and a wrong key."""
    name = dict(bucket_name=BUCKET, object_name="sealed/1")
    with lane.check("no key is 400"):
        refused(400, "InvalidRequest", client.get_object, **name)
    with lane.check("a wrong key is 403"):
        refused(403, "AccessDenied", client.get_object, ssec=other, **name)
    with lane.check("nothing is 404"):
        refused(404, "NoSuchKey", client.get_object, bucket_name=BUCKET, object_name="none", ssec=ssec)
    with lane.check("stat without a key is no 404"):
        try:
            client.stat_object(**name)
            raise AssertionError("answered without a key")
        except S3Error as error:
            same(error.response.status, 400)


def copies(lane, client, ssec, other):
    """copy_object and compose_object, which copies parts on the server."""
    body = os.urandom(PART)
    for name in ("one", "two"):
        client.put_object(bucket_name=BUCKET, object_name=name, data=io.BytesIO(body), length=PART, sse=ssec)
    source = dict(bucket_name=BUCKET, object_name="one", ssec=ssec)
    with lane.check("copy under another key"):
        client.copy_object(bucket_name=BUCKET, object_name="copy", source=CopySource(**source), sse=other)
        same(read(client, "copy", other) == body, True, "the same bytes")
        refused(403, "AccessDenied", client.get_object, bucket_name=BUCKET, object_name="copy", ssec=ssec)
    with lane.check("compose two sealed sources under another key"):
        sources = [ComposeSource(**source), ComposeSource(bucket_name=BUCKET, object_name="two", ssec=ssec)]
        client.compose_object(bucket_name=BUCKET, object_name="composed", sources=sources, sse=other)
        same(read(client, "composed", other) == body + body, True, "the same bytes")


def leaving(lane, client):
    """Presigned, listed, removed."""
    with lane.check("a presigned URL of a plain object"):
        client.put_object(bucket_name=BUCKET, object_name="plain", data=io.BytesIO(b"plain"), length=5)
        url = client.presigned_get_object(bucket_name=BUCKET, object_name="plain", expires=datetime.timedelta(minutes=5))
        same(client._http.request("GET", url).data, b"plain")
    with lane.check("list, remove, and remove the bucket"):
        for entry in list(client.list_objects(bucket_name=BUCKET, recursive=True)):
            client.remove_object(bucket_name=BUCKET, object_name=entry.object_name)
        client.remove_bucket(bucket_name=BUCKET)
        same(client.bucket_exists(bucket_name=BUCKET), False)


if __name__ == "__main__":
    main("minio_py", run)
