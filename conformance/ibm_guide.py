"""IBM's guide, sentence by sentence: it has no commands, so each of its rules is a request.

With boto3 too, since the guide says that S3 libraries work as expected.
"""
import hashlib
import re

import keys
from checks import main, same, that
from guides import served
from raw import Raw
from server import Server

BUCKET = "guide"


def run(lane, given):
    """All sentences."""
    with Server(given.bin, profile="ibm", plain_http=True) as server:
        raw = Raw(server)
        served(raw.request("PUT", f"/{BUCKET}"))
        objects(lane, server, raw)
        headers(lane, server, raw)


def objects(lane, server, raw):
    """The two paragraphs."""
    key, path = keys.fresh(), f"/{BUCKET}/object"
    with lane.check("requests to read or write objects or their metadata send the key as headers"):
        served(raw.request("PUT", path, keys.trio(key) | {"x-amz-meta-a": "b"}, b"body"))
        same(served(raw.request("GET", path, keys.trio(key))).body, b"body")
        same(served(raw.request("HEAD", path, keys.trio(key))).headers["x-amz-meta-a"], "b")
        for method in ("GET", "HEAD"):
            same(raw.request(method, path).status, 400)
    with lane.check("libraries that support SSE-C work as expected"):
        s3 = server.boto3()
        s3.put_object(Bucket=BUCKET, Key="library", Body=b"body", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
        read = s3.get_object(Bucket=BUCKET, Key="library", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
        same(read["Body"].read(), b"body")
    with lane.check("any request that uses SSE-C headers must be sent by using SSL"):
        plain = Raw(server, plain=True)
        for method in ("PUT", "GET", "HEAD", "DELETE"):
            for name, value in keys.trio(key).items():
                same(plain.request(method, path, {name: value}).status, 400, f"{method} with {name}")
    with lane.check("the ETag is not the MD5 of the object, but random"):
        tags = [served(raw.request("PUT", path, keys.trio(key), b"body")).headers["etag"] for _ in range(2)]
        that(all(re.fullmatch('"[0-9a-f]{32}"', tag) for tag in tags), tags)
        that(tags[0] != tags[1] and hashlib.md5(b"body").hexdigest() not in "".join(tags), tags)


def headers(lane, server, raw):
    """The table."""
    key, path = keys.fresh(), f"/{BUCKET}/headers"
    trio = keys.trio(key)
    with lane.check("the algorithm must be AES256"):
        for value in ("aes256", "AES128", ""):
            answer = raw.request("PUT", path, trio | {keys.ALG: value}, b"x")
            same((answer.status, answer.code), (400, "InvalidEncryptionAlgorithmError"))
    with lane.check("the key is base64 of 256 bits"):
        for length in (16, 31, 33):
            same(raw.request("PUT", path, keys.trio(bytes(length)), b"x").status, 400)
    with lane.check("the MD5 is of the key before its encoding, and validates it"):
        of_text = keys.md5(keys.b64(key).encode())
        for value in (of_text, keys.md5(keys.fresh()), ""):
            same(raw.request("PUT", path, trio | {keys.MD5: value}, b"x").status, 400)
    with lane.check("the MD5 is not optional, on reads neither"):
        served(raw.request("PUT", path, trio, b"x"))
        fewer = {name: value for name, value in trio.items() if name != keys.MD5}
        for method in ("PUT", "GET", "HEAD"):
            same(raw.request(method, path, fewer).status, 400, method)
        same(served(raw.request("GET", path, trio)).body, b"x")


if __name__ == "__main__":
    main("ibm_guide", run)
