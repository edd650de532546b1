"""AWS's two guides, sentence by sentence: headers, operations, transport, presigned URLs.

The guides have no commands of their own; boto3 stands for the SDK that they send the reader to, raw
signed requests for the REST API.
"""
import hashlib
import urllib.error
import urllib.request

import keys
from checks import main, same, that
from guides import complete, post, served
from keys import ALG, KEY, MD5, SSE
from raw import Raw
from server import Server

BUCKET = "guide"
SOURCE = "x-amz-copy-source-server-side-encryption-customer-"


def run(lane, given):
    """All sections."""
    with Server(given.bin, profile="aws", plain_http=True) as server:
        raw = Raw(server)
        served(raw.request("PUT", f"/{BUCKET}"))
        highlights(lane, server, raw)
        operations(lane, raw)
        copies(lane, raw)
        versions(lane, raw)
        presigned(lane, server)
        at_rest(lane, server, raw)


def highlights(lane, server, raw):
    """The introduction, and the table of the headers."""
    key, path = keys.fresh(), f"/{BUCKET}/highlights"
    trio = keys.trio(key)
    with lane.check("you must use https"):
        plain = Raw(server, plain=True)
        for method in ("PUT", "GET", "HEAD"):
            same(plain.request(method, path, trio).status, 400)
    with lane.check("the same encryption key must be provided"):
        served(raw.request("PUT", path, trio, b"body"))
        same(served(raw.request("GET", path, trio)).body, b"body")
        same(raw.request("GET", path, keys.trio(keys.fresh())).status, 403)
    with lane.check("without its encryption key any GET request will fail"):
        same(raw.request("GET", path).status, 400)
    with lane.check("the ETag is not the MD5 of the object data"):
        that(hashlib.md5(b"body").hexdigest() not in served(raw.request("HEAD", path, trio)).headers["etag"], "an MD5")
    with lane.check("the algorithm must be AES256"):
        answer = raw.request("PUT", path, trio | {ALG: "AES128"}, b"x")
        same((answer.status, answer.code), (400, "InvalidEncryptionAlgorithmError"))
    with lane.check("the key is 256-bit and base64-encoded"):
        for size in (16, 31, 33):
            same(raw.request("PUT", path, keys.trio(bytes(size)), b"x").status, 400)
        same(raw.request("PUT", path, trio | {KEY: key.hex()}, b"x").status, 400)
    with lane.check("the MD5 finds an error in the key's transmission"):
        answer = raw.request("PUT", path, trio | {MD5: keys.md5(keys.fresh())}, b"x")
        that("did not match" in answer.error().get("Message", ""), answer)
    with lane.check("SDKs add the headers"):
        s3 = server.boto3()
        s3.put_object(Bucket=BUCKET, Key="sdk", Body=b"body", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
        read = s3.get_object(Bucket=BUCKET, Key="sdk", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
        same(read["Body"].read(), b"body")


def operations(lane, raw):
    """The list of the APIs that support the headers, without copies."""
    key, path = keys.fresh(), f"/{BUCKET}/operations"
    trio = keys.trio(key)
    with lane.check("PUT, GET and HEAD operations"):
        served(raw.request("PUT", path, trio, b"body"))
        same(served(raw.request("GET", path, trio)).body, b"body")
        same(served(raw.request("HEAD", path, trio)).headers["content-length"], "4")
    with lane.check("torrents are not supported for objects encrypted using SSE-C"):
        that(raw.request("GET", path, trio, query={"torrent": ""}).status in (400, 405, 501), "a torrent")
    with lane.check("multipart upload: initiate and each part"):
        path = f"/{BUCKET}/parts"
        upload = served(raw.request("POST", path, trio, query={"uploads": ""})).error()["UploadId"]
        at = {"partNumber": "1", "uploadId": upload}
        same(raw.request("PUT", path, {}, b"part", at).status, 400, "a part without the key")
        same(raw.request("PUT", path, keys.trio(keys.fresh()), b"part", at).status, 400, "with another")
        etag = served(raw.request("PUT", path, trio, b"part", at)).headers["etag"]
        served(complete(raw, path, upload, [etag]))
        same(served(raw.request("GET", path, trio)).body, b"part")
    with lane.check("POST operation: the same information in the form fields"):
        served(post(raw, BUCKET, "posted", trio, b"posted"), 204)
        same(served(raw.request("GET", f"/{BUCKET}/posted", trio)).body, b"posted")


def copies(lane, raw):
    """The three considerations of a copy."""
    key, other = keys.fresh(), keys.fresh()
    source, target = f"/{BUCKET}/source", f"/{BUCKET}/target"
    opening = {name.replace(keys.PREFIX, SOURCE): value for name, value in keys.trio(key).items()}
    copy = {"x-amz-copy-source": source}
    served(raw.request("PUT", source, keys.trio(key), b"body"))
    with lane.check("copy: a target with managed keys by the request header"):
        served(raw.request("PUT", target, copy | opening | {SSE: "AES256"}))
        same(served(raw.request("GET", target)).body, b"body")
    with lane.check("copy: a target with SSE-C by the three headers"):
        served(raw.request("PUT", target, copy | opening | keys.trio(other)))
        same(served(raw.request("GET", target, keys.trio(other))).body, b"body")
    with lane.check("copy: a source with SSE-C needs its own three headers"):
        served(raw.request("PUT", f"/{BUCKET}/refused", copy | keys.trio(other)), 400)


def versions(lane, raw):
    """Each version can have its own key."""
    with lane.check("each object version can have its own encryption key"):
        bucket = "versioned"
        served(raw.request("PUT", f"/{bucket}"))
        on = b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>'
        served(raw.request("PUT", f"/{bucket}", {}, on, {"versioning": ""}))
        made = []
        for body in (b"one", b"two"):
            key = keys.fresh()
            put = served(raw.request("PUT", f"/{bucket}/k", keys.trio(key), body))
            made.append((put.headers["x-amz-version-id"], key, body))
        for version, key, body in made:
            read = raw.request("GET", f"/{bucket}/k", keys.trio(key), query={"versionId": version})
            same(served(read).body, body)
        same(raw.request("GET", f"/{bucket}/k", keys.trio(made[0][1])).status, 403, "an older version's key")


def presigned(lane, server):
    """The last section."""
    s3, key = server.boto3(signature_version="s3v4"), keys.fresh()
    trio = keys.trio(key)

    def ask(url, method, headers, body=None):
        request = urllib.request.Request(url, body, headers, method=method)
        with urllib.request.urlopen(request, context=server.tls(), timeout=30) as answer:
            return answer.read()

    params = dict(Bucket=BUCKET, Key="presigned", SSECustomerAlgorithm="AES256")
    with lane.check("presigned: the algorithm in the signature, all headers from the client"):
        for method, operation, body in (("PUT", "put_object", b"presigned"), ("GET", "get_object", None), ("HEAD", "head_object", None)):
            url = s3.generate_presigned_url(operation, Params=params, HttpMethod=method)
            same(ask(url, method, trio, body), b"presigned" if method == "GET" else b"")
    with lane.check("presigned: a browser, which sends no headers, gets nothing"):
        refused(lambda: ask(s3.generate_presigned_url("get_object", Params=params), "GET", {}))
    with lane.check("presigned: without the algorithm in the signature nothing is accepted"):
        bare = s3.generate_presigned_url("get_object", Params=dict(Bucket=BUCKET, Key="presigned"))
        refused(lambda: ask(bare, "GET", trio))


def refused(ask):
    """Asserts that a presigned request fails at the client's side of HTTP."""
    try:
        ask()
    except urllib.error.HTTPError as error:
        that(400 <= error.code < 500, f"status {error.code}")
    else:
        raise AssertionError("it was answered")


def at_rest(lane, server, raw):
    """What the disk and the log hold."""
    key = keys.fresh()
    with lane.check("the encryption key is not stored"):
        served(raw.request("PUT", f"/{BUCKET}/rest", keys.trio(key), b"at rest " * 8))
        needles = (key, keys.b64(key).encode(), key.hex().encode(), hashlib.md5(key).digest(), keys.md5(key).encode(), b"at rest at rest")
        held = [file for file in server.files() if any(needle in file.read_bytes() for needle in needles)]
        same(held, [])
        that(keys.b64(key) not in server.log(), "the log holds the key")


if __name__ == "__main__":
    main("aws_guide", run)
