"""boto3 as shipped: newest defaults, trailing checksums on. What an application that already speaks
S3 and SSE-C does all day must work without a setting changed.
"""
import datetime
import io
import os
import urllib.error
import urllib.request

import botocore.exceptions

import keys
from checks import main, same, that
from server import Server

BUCKET = "boto3-lane"
PART = 5 << 20


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        s3 = server.boto3()
        buckets(lane, s3)
        for name, key in (("sealed", keys.fresh()), ("plain", None)):
            holder = keys.boto(key) if key else {}
            objects(lane, s3, name, holder)
            checksums(lane, s3, name, holder)
            conditions(lane, s3, name, holder)
            multipart(lane, s3, name, holder)
        customer_keys(lane, s3)
        raw_key(lane, s3)
        listings(lane, s3)
        deletes(lane, s3)
        presigned(lane, server)
        managed(lane, s3)
        other_defaults(lane, server)


def fails(status, code, call, **parameters):
    """The call fails so."""
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        got = (error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
        same(got, (status, code))
        return error.response
    raise AssertionError(f"succeeded instead of {status} {code}")


def buckets(lane, s3):
    """Buckets come and go."""
    with lane.check("create, head, locate, list, delete a bucket"):
        s3.create_bucket(Bucket=BUCKET)
        s3.create_bucket(Bucket="short-lived")
        s3.head_bucket(Bucket=BUCKET)
        same(s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], None)
        same([b["Name"] for b in s3.list_buckets()["Buckets"]], [BUCKET, "short-lived"])
        s3.delete_bucket(Bucket="short-lived")
        fails(404, "404", s3.head_bucket, Bucket="short-lived")
        fails(404, "NoSuchBucket", s3.list_objects_v2, Bucket="short-lived")
    with lane.check("a bucket with an object stays"):
        s3.put_object(Bucket=BUCKET, Key="stay", Body=b"x")
        fails(409, "BucketNotEmpty", s3.delete_bucket, Bucket=BUCKET)
        s3.delete_object(Bucket=BUCKET, Key="stay")


def objects(lane, s3, name, holder):
    """Put, head, get, ranges, at the sizes where the storage changes its ways."""
    sizes = (0, 1, 16383, 16384, 16385, 65536, 1 << 20, (1 << 20) + 1, (5 << 20) + 7)
    for size in sizes:
        with lane.check(f"{name}: {size} bytes in and out"):
            body, key = os.urandom(size), f"{name}/{size}"
            put = s3.put_object(Bucket=BUCKET, Key=key, Body=body, **holder)
            got = s3.get_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED", **holder)
            same(got["Body"].read() == body, True, "the same bytes")
            same((got["ContentLength"], got["ETag"]), (size, put["ETag"]))
            that(got.get("ChecksumCRC32") or got.get("ChecksumCRC64NVME"), "no checksum on the answer")
            echoes(put, holder)
            echoes(got, holder)
            head = s3.head_object(Bucket=BUCKET, Key=key, **holder)
            same((head["ContentLength"], head["ETag"]), (size, put["ETag"]))
            ranges(s3, key, body, holder)
    with lane.check(f"{name}: metadata and headers come back"):
        given = dict(ContentType="text/x-a", CacheControl="no-cache", ContentDisposition="inline", ContentLanguage="de",
                     ContentEncoding="x-own", Metadata={"one": "1", "two": "zwei drei"})
        s3.put_object(Bucket=BUCKET, Key=f"{name}/meta", Body=b"x", Expires=datetime.datetime(2031, 1, 2), **given, **holder)
        head = s3.head_object(Bucket=BUCKET, Key=f"{name}/meta", **holder)
        same({k: head[k] for k in given}, given)
        same(head["ExpiresString"], "Thu, 02 Jan 2031 00:00:00 GMT")
        over = s3.get_object(Bucket=BUCKET, Key=f"{name}/meta", ResponseContentType="text/y", ResponseCacheControl="max-age=1", **holder)
        same((over["ContentType"], over["CacheControl"]), ("text/y", "max-age=1"))
    with lane.check(f"{name}: a range beyond the end is InvalidRange"):
        fails(416, "InvalidRange", s3.get_object, Bucket=BUCKET, Key=f"{name}/1", Range="bytes=5-9", **holder)
    with lane.check(f"{name}: nothing is NoSuchKey"):
        fails(404, "NoSuchKey", s3.get_object, Bucket=BUCKET, Key=f"{name}/none", **holder)


def echoes(answer, holder):
    """What tells a client how its object is held."""
    if holder:
        same((answer.get("SSECustomerAlgorithm"), answer.get("SSECustomerKeyMD5")), ("AES256", holder["SSECustomerKeyMD5"]))
        that("ServerSideEncryption" not in answer, "SSE is said of an SSE-C object")
    else:
        same(answer.get("ServerSideEncryption"), "AES256")


def ranges(s3, key, body, holder):
    """Ranges around the borders of 16 KiB chunks."""
    size = len(body)
    wanted = {(0, 0), (0, 16383), (16383, 16384), (16384, 16384), (size - 1, size - 1), (size // 2, size - 1)}
    for first, last in sorted((a, b) for a, b in wanted if 0 <= a <= b < size):
        got = s3.get_object(Bucket=BUCKET, Key=key, Range=f"bytes={first}-{last}", **holder)
        same(got["ContentRange"], f"bytes {first}-{last}/{size}")
        same(got["Body"].read() == body[first:last + 1], True, f"bytes {first}-{last}")
    if size:
        tail = s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=-7", **holder)
        same(tail["Body"].read() == body[-7:], True, "the last 7 bytes")


def checksums(lane, s3, name, holder):
    """All five algorithms, computed by the client, verified and kept by the server."""
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        with lane.check(f"{name}: checksum {algorithm}"):
            try:
                put = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"summed", ChecksumAlgorithm=algorithm, **holder)
            except botocore.exceptions.MissingDependencyException:
                put = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"summed", **known_sum(algorithm), **holder)
            got = s3.get_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED", **holder)
            same(got["Body"].read(), b"summed")
            same(got[f"Checksum{algorithm}"], put[f"Checksum{algorithm}"])
            same(got["ChecksumType"], "FULL_OBJECT")
        with lane.check(f"{name}: a wrong {algorithm} is BadDigest and stores nothing"):
            wrong = {f"Checksum{algorithm}": known_sum(algorithm)[f"Checksum{algorithm}"]}
            fails(400, "BadDigest", s3.put_object, Bucket=BUCKET, Key="unsummed", Body=b"another", **wrong, **holder)
            fails(404, "404", s3.head_object, Bucket=BUCKET, Key="unsummed", **holder)


def known_sum(algorithm):
    """The checksum of b"summed", computed once with other tools; two need no library here."""
    import base64
    import hashlib
    import zlib
    table = {
        "CRC32": base64.b64encode(zlib.crc32(b"summed").to_bytes(4, "big")).decode(),
        "CRC32C": reflected_crc(b"summed", 0x82F63B78, 32),
        "CRC64NVME": reflected_crc(b"summed", 0x9A6C9329AC4BC9B5, 64),
        "SHA1": base64.b64encode(hashlib.sha1(b"summed").digest()).decode(),
        "SHA256": base64.b64encode(hashlib.sha256(b"summed").digest()).decode(),
    }
    return {f"Checksum{algorithm}": table[algorithm]}


def reflected_crc(data, polynomial, bits):
    """A CRC bit by bit, in base64: slow, obvious, and of nobody else's code."""
    import base64
    value = full = (1 << bits) - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
    return base64.b64encode((value ^ full).to_bytes(bits // 8, "big")).decode()


def conditions(lane, s3, name, holder):
    """If-Match and its kin, on reads and on writes."""
    key = f"{name}/conditional"
    with lane.check(f"{name}: conditional reads"):
        etag = s3.put_object(Bucket=BUCKET, Key=key, Body=b"one", **holder)["ETag"]
        same(s3.get_object(Bucket=BUCKET, Key=key, IfMatch=etag, **holder)["Body"].read(), b"one")
        fails(412, "PreconditionFailed", s3.get_object, Bucket=BUCKET, Key=key, IfMatch='"x"', **holder)
        fails(304, "304", s3.head_object, Bucket=BUCKET, Key=key, IfNoneMatch=etag, **holder)
        modified, day = s3.head_object(Bucket=BUCKET, Key=key, **holder)["LastModified"], datetime.timedelta(days=1)
        fails(304, "304", s3.get_object, Bucket=BUCKET, Key=key, IfModifiedSince=modified, **holder)
        ahead = s3.get_object(Bucket=BUCKET, Key=key, IfModifiedSince=modified + day, **holder)
        same(ahead["Body"].read(), b"one")  # nobody knows yet what is modified until tomorrow
        fails(412, "PreconditionFailed", s3.get_object, Bucket=BUCKET, Key=key, IfUnmodifiedSince=modified - day, **holder)
    with lane.check(f"{name}: conditional writes"):
        fails(412, "PreconditionFailed", s3.put_object, Bucket=BUCKET, Key=key, Body=b"two", IfNoneMatch="*", **holder)
        fails(412, "PreconditionFailed", s3.put_object, Bucket=BUCKET, Key=key, Body=b"two", IfMatch='"x"', **holder)
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"two", IfMatch=etag, **holder)
        fails(404, "NoSuchKey", s3.put_object, Bucket=BUCKET, Key=key + "-none", Body=b"x", IfMatch=etag, **holder)
        s3.put_object(Bucket=BUCKET, Key=key + "-new", Body=b"x", IfNoneMatch="*", **holder)


def multipart(lane, s3, name, holder):
    """An upload by parts: out of order, one part twice, listed, completed, read by part."""
    key, parts = f"{name}/multipart", [os.urandom(PART), os.urandom(PART + 5), os.urandom(100)]
    upload = None
    with lane.check(f"{name}: multipart"):
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, Metadata={"m": "1"}, **holder)["UploadId"]
        common = dict(Bucket=BUCKET, Key=key, UploadId=upload)
        s3.upload_part(PartNumber=2, Body=b"replaced", **common, **holder)
        etags = {n: s3.upload_part(PartNumber=n, Body=parts[n - 1], **common, **holder)["ETag"] for n in (3, 1, 2)}
        listed = s3.list_parts(**common)
        same([(p["PartNumber"], p["Size"], p["ETag"]) for p in listed["Parts"]], [(n, len(parts[n - 1]), etags[n]) for n in (1, 2, 3)])
        uploads = s3.list_multipart_uploads(Bucket=BUCKET, Prefix=key)["Uploads"]
        same([(u["Key"], u["UploadId"]) for u in uploads], [(key, upload)])
        chosen = {"Parts": [{"PartNumber": n, "ETag": etags[n]} for n in (1, 2, 3)]}
        done = s3.complete_multipart_upload(MultipartUpload=chosen, **common)
        that(done["ETag"].endswith('-3"'), f"ETag {done['ETag']}")
        whole = b"".join(parts)
        got = s3.get_object(Bucket=BUCKET, Key=key, **holder)
        same((got["Body"].read() == whole, got["Metadata"]), (True, {"m": "1"}))
        second = s3.get_object(Bucket=BUCKET, Key=key, PartNumber=2, **holder)
        same((second["Body"].read() == parts[1], second["PartsCount"]), (True, 3))
        across = s3.get_object(Bucket=BUCKET, Key=key, Range=f"bytes={PART - 3}-{PART + 3}", **holder)
        same(across["Body"].read() == whole[PART - 3:PART + 4], True, "a range across parts")
    with lane.check(f"{name}: completing what is gone is NoSuchUpload"):
        fails(404, "NoSuchUpload", s3.list_parts, Bucket=BUCKET, Key=key, UploadId=upload)
    with lane.check(f"{name}: parts that are missing, too small or out of order"):
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, **holder)["UploadId"]
        common = dict(Bucket=BUCKET, Key=key, UploadId=upload)
        one = s3.upload_part(PartNumber=1, Body=b"small", **common, **holder)["ETag"]
        two = s3.upload_part(PartNumber=2, Body=b"small", **common, **holder)["ETag"]
        complete = lambda *rows: dict(MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in rows]}, **common)  # noqa: E731
        fails(400, "InvalidPart", s3.complete_multipart_upload, **complete((1, '"x"')))
        fails(400, "InvalidPart", s3.complete_multipart_upload, **complete((7, two)))
        fails(400, "InvalidPartOrder", s3.complete_multipart_upload, **complete((2, two), (1, one)))
        fails(400, "EntityTooSmall", s3.complete_multipart_upload, **complete((1, one), (2, two)))
        s3.abort_multipart_upload(**common)
        that("Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET, Prefix=key), "an aborted upload is listed")


def customer_keys(lane, s3):
    """One bucket, many keys: each opens its own object and no other."""
    with lane.check("every object opens with its own key alone"):
        held = {f"keys/{n}": keys.fresh() for n in range(5)}
        for name, key in held.items():
            s3.put_object(Bucket=BUCKET, Key=name, Body=name.encode(), **keys.boto(key))
        for name in held:
            for other, key in held.items():
                if name == other:
                    same(s3.get_object(Bucket=BUCKET, Key=name, **keys.boto(key))["Body"].read(), name.encode())
                else:
                    fails(403, "AccessDenied", s3.get_object, Bucket=BUCKET, Key=name, **keys.boto(key))
    with lane.check("no key is 400, on GET and on HEAD"):
        fails(400, "InvalidRequest", s3.get_object, Bucket=BUCKET, Key="keys/0")
        fails(400, "400", s3.head_object, Bucket=BUCKET, Key="keys/0")
    with lane.check("the ETag of a sealed object says nothing of its contents"):
        key = keys.boto(keys.fresh())
        etags = {s3.put_object(Bucket=BUCKET, Key="same", Body=b"same", **key)["ETag"] for _ in range(3)}
        same(len(etags), 3, "different ETags of the same body under the same key")
    with lane.check("the ETag of a plain object is its MD5"):
        import hashlib
        etag = s3.put_object(Bucket=BUCKET, Key="same", Body=b"same")["ETag"]
        same(etag, f'"{hashlib.md5(b"same").hexdigest()}"')


def raw_key(lane, s3):
    """botocore encodes a raw key by itself, and double-encodes one that is encoded already."""
    with lane.check("a raw key, encoded by the SDK"):
        key = keys.fresh()
        s3.put_object(Bucket=BUCKET, Key="raw", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
        same(s3.get_object(Bucket=BUCKET, Key="raw", **keys.boto(key))["Body"].read(), b"x")
    with lane.check("a key encoded twice is refused"):
        twice = dict(SSECustomerAlgorithm="AES256", SSECustomerKey=keys.b64(key))
        fails(400, "InvalidArgument", s3.put_object, Bucket=BUCKET, Key="raw", Body=b"x", **twice)
        fails(403, "AccessDenied", s3.get_object, Bucket=BUCKET, Key="raw", **twice)


def listings(lane, s3):
    """Both listings, their pages, delimiters and escapes, against a model in three lines."""
    bucket = "listings"
    names = sorted([f"a/{n:03}" for n in range(25)] + ["a", "a b/ü&<>", "b/c/d", "b/c/e", "z+%25", "zz\x01"],
                   key=lambda name: name.encode())
    s3.create_bucket(Bucket=bucket)
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=b"12345")

    def model(prefix="", delimiter=""):
        found = [n for n in names if n.startswith(prefix)]
        cut = lambda n: n[:n.index(delimiter, len(prefix)) + 1] if delimiter and delimiter in n[len(prefix):] else None  # noqa: E731
        return [n for n in found if not cut(n)], sorted({cut(n) for n in found if cut(n)}, key=lambda n: n.encode())

    for size in (1, 4, 1000):
        for prefix, delimiter in (("", ""), ("a/", ""), ("", "/"), ("b/", "/"), ("nothing", "/")):
            for call in ("list_objects_v2", "list_objects"):
                with lane.check(f"{call} prefix={prefix!r} delimiter={delimiter!r} by {size}"):
                    pages = s3.get_paginator(call).paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size})
                    found, folders = [], []
                    for page in pages:
                        rows, groups = page.get("Contents", []), page.get("CommonPrefixes", [])
                        that(len(rows) + len(groups) <= size, "a page is too long")
                        found += [row["Key"] for row in rows]
                        folders += [group["Prefix"] for group in groups]
                        that(all(row["Size"] == 5 and row["ETag"] for row in rows), "a row lacks its size or ETag")
                    same((found, folders), model(prefix, delimiter))
    with lane.check("start-after and fetch-owner"):
        page = s3.list_objects_v2(Bucket=bucket, StartAfter="b/c/d", FetchOwner=True)
        same([row["Key"] for row in page["Contents"]], names[names.index("b/c/d") + 1:])
        that(all(row["Owner"]["ID"] for row in page["Contents"]), "a row lacks its owner")
    with lane.check("encoding-type url"):
        page = s3.list_objects_v2(Bucket=bucket, Prefix="z", EncodingType="url")
        same([row["Key"] for row in page["Contents"]], ["z%2B%2525", "zz%01"])
    with lane.check("a page of nothing"):
        page = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
        same((page["KeyCount"], page["IsTruncated"]), (0, False))
    with lane.check("a sealed object is listed with its plain size"):
        s3.put_object(Bucket=bucket, Key="sealed", Body=b"x" * 50000, **keys.boto(keys.fresh()))
        same(s3.list_objects_v2(Bucket=bucket, Prefix="sealed")["Contents"][0]["Size"], 50000)


def deletes(lane, s3):
    """One and many."""
    with lane.check("a delete of nothing succeeds"):
        same(s3.delete_object(Bucket=BUCKET, Key="never")["ResponseMetadata"]["HTTPStatusCode"], 204)
    for quiet in (False, True):
        with lane.check(f"delete_objects, quiet={quiet}"):
            for n in range(3):
                s3.put_object(Bucket=BUCKET, Key=f"many/{n}", Body=b"x" * (20000 * n), **keys.boto(keys.fresh()))
            wanted = [{"Key": f"many/{n}"} for n in range(3)] + [{"Key": "many/none"}]
            answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": wanted, "Quiet": quiet})
            same(sorted(d["Key"] for d in answer.get("Deleted", [])), [] if quiet else [w["Key"] for w in wanted])
            same(s3.list_objects_v2(Bucket=BUCKET, Prefix="many/")["KeyCount"], 0)


def presigned(lane, server):
    """URLs signed ahead; the customer key travels in headers that the URL covers."""
    key = keys.fresh()
    s3 = server.boto3(signature_version="s3v4")  # without it botocore presigns by the retired SigV2
    signed_url = lambda operation, **more: s3.generate_presigned_url(operation, Params=dict(Bucket=BUCKET, Key="presigned", **more))  # noqa: E731
    headers = keys.trio(key)
    fetch = lambda method, url, body=None, sent=headers: urllib.request.urlopen(  # noqa: E731
        urllib.request.Request(url, body, sent, method=method), context=server.tls(), timeout=30)
    with lane.check("presigned PUT and GET with the whole trio signed"):
        fetch("PUT", signed_url("put_object", **keys.boto(key)), b"presigned").close()
        same(fetch("GET", signed_url("get_object", **keys.boto(key))).read(), b"presigned")
    with lane.check("presigned GET with only the algorithm signed"):
        same(fetch("GET", signed_url("get_object", SSECustomerAlgorithm="AES256")).read(), b"presigned")
    with lane.check("presigned GET without the key is refused"):
        try:
            fetch("GET", signed_url("get_object"), sent={})
            raise AssertionError("answered without a key")
        except urllib.error.HTTPError as error:
            same(error.code, 400)


def managed(lane, s3):
    """upload_fileobj and download_fileobj: concurrent parts and ranges."""
    with lane.check("a managed transfer of 20 MiB"):
        body, key = os.urandom(20 << 20), keys.boto(keys.fresh())
        s3.upload_fileobj(io.BytesIO(body), BUCKET, "managed", ExtraArgs=key)
        back = io.BytesIO()
        s3.download_fileobj(BUCKET, "managed", back, ExtraArgs=key)
        same(back.getvalue() == body, True, "the same bytes")


def other_defaults(lane, server):
    """The settings that older and stricter applications choose."""
    choices = {
        "checksums only where required": dict(request_checksum_calculation="when_required", response_checksum_validation="when_required"),
        "unsigned payload": dict(s3={"payload_signing_enabled": False}),
        "signed payload": dict(s3={"payload_signing_enabled": True}),
        "path style": dict(s3={"addressing_style": "path"}),
    }
    for name, choice in choices.items():
        with lane.check(f"with {name}"):
            s3, key = server.boto3(**choice), keys.boto(keys.fresh())
            for size in (0, 100, 100_000):
                s3.put_object(Bucket=BUCKET, Key="choice", Body=io.BytesIO(b"c" * size), **key)
                same(s3.get_object(Bucket=BUCKET, Key="choice", **key)["Body"].read(), b"c" * size)


if __name__ == "__main__":
    main("boto3_lane", run)
