"""The header habits of applications, as raw requests: which SSE-C headers each of them sends on which operation,
also where S3 has no use for them. One bucket, one application after the other.
"""
import os

import keys
from checks import main, same, that
from raw import Raw
from server import Server
from wire import content_md5

BUCKET = "/habits"
PART = os.urandom(5 << 20)
SMALL = os.urandom(70_000)


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        server.boto3().create_bucket(Bucket=BUCKET[1:])
        raw = Raw(server)
        hadoop(lane, raw, keys.fresh())
        rclone(lane, raw, keys.fresh())
        clickhouse(lane, raw, keys.fresh())
        thanos(lane, raw, keys.fresh())
        spellings(lane, raw, keys.fresh())


def source(key):
    """The trio of a copy's source."""
    return {name.replace("x-amz-", "x-amz-copy-source-"): value for name, value in keys.trio(key).items()}


def succeeds(answer, status=200):
    """The answer, once its status is right."""
    same(answer.status, status, repr(answer))
    return answer


def reads(raw, path, key, body):
    """The object opens with its key and says so."""
    got = succeeds(raw.request("GET", path, keys.trio(key)))
    same(got.body == body, True, "the same bytes")
    same((got.headers.get(keys.ALG), got.headers.get(keys.MD5.lower())), ("AES256", keys.md5(key)))


def multipart(raw, path, headers, bodies, complete=None):
    """Create, UploadPart and Complete, each with the headers that the application sends there."""
    upload = succeeds(raw.request("POST", path, headers, query={"uploads": ""})).error()["UploadId"]
    rows = ""
    for number, body in enumerate(bodies, 1):
        part = succeeds(raw.request("PUT", path, headers, body, {"partNumber": str(number), "uploadId": upload}))
        rows += f"<Part><PartNumber>{number}</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
    document = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
    return succeeds(raw.request("POST", path, complete or {}, document, {"uploadId": upload}))


def hadoop(lane, raw, key):
    """Hadoop S3A and Spark: the trio on HEAD, GET, PUT, the whole of a multipart upload, and both sides of a copy."""
    trio, path = keys.trio(key), BUCKET + "/hadoop"
    with lane.check("hadoop: probe, write, read by ranges"):
        same(raw.request("HEAD", path, trio).status, 404)
        succeeds(raw.request("PUT", path, trio, SMALL))
        same(succeeds(raw.request("HEAD", path, trio)).headers["content-length"], str(len(SMALL)))
        same(succeeds(raw.request("GET", path, trio | {"Range": "bytes=16000-16999"}), 206).body, SMALL[16000:17000])
    with lane.check("hadoop: a multipart upload, the trio on Complete too"):
        multipart(raw, path + "-parts", trio, (PART, b"last"), trio)
        reads(raw, path + "-parts", key, PART + b"last")
    with lane.check("hadoop: the marker of a directory, listed without a key"):
        succeeds(raw.request("PUT", BUCKET + "/hadoop-dir/", trio, b""))
        same(raw.request("HEAD", BUCKET + "/hadoop-dir/", trio).headers["content-length"], "0")
        that(b"hadoop-dir/" in succeeds(raw.request("GET", BUCKET, {}, query={"list-type": "2"})).body, "not listed")
    with lane.check("hadoop: a wrong key is 403 AccessDenied"):
        answer = raw.request("GET", path, keys.trio(keys.fresh()))
        same((answer.status, answer.code), (403, "AccessDenied"), repr(answer))
    with lane.check("hadoop: rename is a copy with the trio on both sides"):
        sides = {"x-amz-copy-source": path} | source(key) | trio
        succeeds(raw.request("PUT", path + "-renamed", sides))
        reads(raw, path + "-renamed", key, SMALL)


def rclone(lane, raw, key):
    """rclone, object_store and opendal: both trios on every copy, the trio on Complete."""
    trio, path = keys.trio(key), BUCKET + "/rclone"
    with lane.check("rclone: a multipart upload, the trio on Complete too"):
        done = multipart(raw, path, trio, (PART, SMALL), trio)
        same(done.headers.get(keys.ALG), "AES256")
        reads(raw, path, key, PART + SMALL)
    with lane.check("rclone: a copy of a sealed object with both trios"):
        succeeds(raw.request("PUT", path + "-copy", {"x-amz-copy-source": path} | source(key) | trio))
        reads(raw, path + "-copy", key, PART + SMALL)
    with lane.check("rclone: a copy of parts with both trios"):
        upload = succeeds(raw.request("POST", path + "-parts", trio, query={"uploads": ""})).error()["UploadId"]
        sides = {"x-amz-copy-source": path, "x-amz-copy-source-range": f"bytes=0-{len(PART) - 1}"} | source(key) | trio
        query = {"partNumber": "1", "uploadId": upload}
        etag = succeeds(raw.request("PUT", path + "-parts", sides, query=query)).error()["ETag"]
        rows = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
        document = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        succeeds(raw.request("POST", path + "-parts", trio, document, {"uploadId": upload}))
        reads(raw, path + "-parts", key, PART)
    with lane.check("rclone: a plain source with a source trio is a clean 400"):
        succeeds(raw.request("PUT", path + "-plain", {}, SMALL))
        answer = raw.request("PUT", path + "-never", {"x-amz-copy-source": path + "-plain"} | source(key) | trio)
        same((answer.status, answer.code), (400, "InvalidRequest"), repr(answer))
        same(raw.request("HEAD", path + "-never").status, 404)


def clickhouse(lane, raw, key):
    """ClickHouse: the trio on everything, whether it means anything there or not."""
    trio, path = keys.trio(key), BUCKET + "/clickhouse"
    with lane.check("clickhouse: the trio on Create, UploadPart and Complete"):
        multipart(raw, path, trio, (PART, b"last"), trio)
        reads(raw, path, key, PART + b"last")
    with lane.check("clickhouse: the trio on Abort"):
        upload = succeeds(raw.request("POST", path + "-a", trio, query={"uploads": ""})).error()["UploadId"]
        succeeds(raw.request("PUT", path + "-a", trio, b"x", {"partNumber": "1", "uploadId": upload}))
        succeeds(raw.request("DELETE", path + "-a", trio, query={"uploadId": upload}), 204)
        answer = raw.request("GET", path + "-a", trio, query={"uploadId": upload})
        same((answer.status, answer.code), (404, "NoSuchUpload"), repr(answer))
    with lane.check("clickhouse: the trio on ListObjectsV2, ListObjects, HeadBucket and ListMultipartUploads"):
        for query in ({"list-type": "2", "prefix": "clickhouse"}, {"prefix": "clickhouse"}):
            that(b"<Key>clickhouse</Key>" in succeeds(raw.request("GET", BUCKET, trio, query=query)).body, "not listed")
        succeeds(raw.request("HEAD", BUCKET, trio))
        succeeds(raw.request("GET", BUCKET, trio, query={"uploads": ""}))
    with lane.check("clickhouse: the trio on DeleteObject, also of a wrong key or of nothing"):
        for name, held in (("-1", trio), ("-2", keys.trio(keys.fresh()))):
            succeeds(raw.request("PUT", path + name, trio, SMALL))
            succeeds(raw.request("DELETE", path + name, held), 204)
            same(raw.request("HEAD", path + name, trio).status, 404)
        succeeds(raw.request("DELETE", path + "-none", trio), 204)
    with lane.check("clickhouse: the trio on DeleteObjects"):
        document = b"<Delete><Object><Key>clickhouse</Key></Object></Delete>"
        answer = succeeds(raw.request("POST", BUCKET, trio | content_md5(document), document, {"delete": ""}))
        that(b"<Error>" not in answer.body, repr(answer))
        same(raw.request("HEAD", path, trio).status, 404)


def thanos(lane, raw, key):
    """Thanos asks whether an object exists without its key: a 404 would make it believe that the object is gone."""
    path = BUCKET + "/thanos"
    succeeds(raw.request("PUT", path, keys.trio(key), SMALL))
    with lane.check("thanos: HEAD without a key is 400 without a body, never 404"):
        answer = raw.request("HEAD", path)
        same((answer.status, answer.body), (400, b""))
    with lane.check("thanos: HEAD of nothing is 404, with a key and without"):
        same(raw.request("HEAD", path + "-none").status, 404)
        same(raw.request("HEAD", path + "-none", keys.trio(key)).status, 404)


def spellings(lane, raw, key):
    """Header names in any case; s3fs and opendal send lower case, AWS's own page `-MD5`."""
    cases = {"lower": str.lower, "upper": str.upper, "title": str.title,
             "mixed": lambda name: "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(name))}
    for name, spell in cases.items():
        with lane.check(f"{name}-case header names"):
            path, trio = f"{BUCKET}/case-{name}", {spell(header): value for header, value in keys.trio(key).items()}
            succeeds(raw.request("PUT", path, trio, SMALL))
            same(raw.request("HEAD", path, trio).status, 200)
            reads(raw, path, key, SMALL)
            multipart(raw, path, trio, (SMALL,), trio)
            reads(raw, path, key, SMALL)


if __name__ == "__main__":
    main("habits", run)
