"""boto3 over buckets with versions: a key for each, delete markers, tags, attributes, and the settings
that say what a bucket takes. All with the SDK's defaults.
"""
import itertools

import keys
from boto3_lane import fails
from checks import main, same, that
from server import Server

BUCKET = "versions"
ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        s3 = server.boto3()
        s3.create_bucket(Bucket=BUCKET)
        switch(lane, s3)
        held = a_key_each(lane, s3)
        markers(lane, s3, held)
        listing(lane, s3)
        deletes(lane, s3)
        suspended(lane, s3)
        attributes(lane, s3)
        tags(lane, s3)
        ownership(lane, s3)
        blocked(lane, s3)
    with lane.check("--new-bucket-sse-c blocked"):
        with Server(given.bin, environment={"STRONGROOM_NEW_BUCKET_SSE_C": "blocked"}) as server:
            s3 = server.boto3()
            s3.create_bucket(Bucket="blocked")
            same(blocked_types(s3, "blocked"), ["SSE-C"])
            fails(403, "AccessDenied", s3.put_object, Bucket="blocked", Key="k", Body=b"x", **keys.boto(keys.fresh()))
            s3.put_object(Bucket="blocked", Key="k", Body=b"x")


def switch(lane, s3):
    """Enabled, suspended, never undone."""
    with lane.check("versioning is enabled and suspended"):
        that("Status" not in s3.get_bucket_versioning(Bucket=BUCKET), "a new bucket has a status")
        for status in ("Enabled", "Suspended", "Enabled"):
            s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": status})
            same(s3.get_bucket_versioning(Bucket=BUCKET)["Status"], status)
    with lane.check("MFA delete is refused"):
        fails(501, "NotImplemented", s3.put_bucket_versioning, Bucket=BUCKET,
              VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"})
        fails(501, "NotImplemented", s3.delete_object, Bucket=BUCKET, Key="k", MFA="serial 123456")


def a_key_each(lane, s3):
    """Four versions under three keys and none; the keys by version, oldest first."""
    held = {}
    with lane.check("each version opens with its own key and no other"):
        for n, key in enumerate((keys.fresh(), keys.fresh(), None, keys.fresh())):
            holder = keys.boto(key) if key else {}
            put = s3.put_object(Bucket=BUCKET, Key="k", Body=b"%d" % n * 30000, **holder)
            held[put["VersionId"]] = (n, holder)
        same(len(held), 4, "different ids")
        for version, other in itertools.product(held, held):
            read = dict(Bucket=BUCKET, Key="k", VersionId=version)
            number, holder = held[version]
            _, tried = held[other]
            if version == other:
                got = s3.get_object(**read, **tried)
                same((got["Body"].read() == b"%d" % number * 30000, got["VersionId"]), (True, version))
                same(s3.head_object(**read, **tried)["ContentLength"], 30000)
            elif not holder:
                fails(400, "InvalidRequest", s3.get_object, **read, **tried)
            elif not tried:
                fails(400, "InvalidRequest", s3.get_object, **read)
                fails(400, "400", s3.head_object, **read)
            else:
                fails(403, "AccessDenied", s3.get_object, **read, **tried)
                fails(403, "403", s3.head_object, **read, **tried)
    with lane.check("the newest version is what a read without an id means"):
        newest = list(held)[-1]
        same(s3.get_object(Bucket=BUCKET, Key="k", **held[newest][1])["VersionId"], newest)
    with lane.check("ids that are none, and versions that are not there"):
        fails(400, "InvalidArgument", s3.get_object, Bucket=BUCKET, Key="k", VersionId="x")
        fails(404, "NoSuchVersion", s3.get_object, Bucket=BUCKET, Key="k", VersionId="0" * 31 + "1")
        fails(404, "NoSuchVersion", s3.get_object, Bucket=BUCKET, Key="k", VersionId="null")
    return held


def markers(lane, s3, held):
    """Delete markers hide, cannot be read, and can be deleted."""
    with lane.check("a delete marker hides the key until it is deleted"):
        marker = s3.delete_object(Bucket=BUCKET, Key="k")
        same(marker["DeleteMarker"], True)
        hidden = fails(404, "NoSuchKey", s3.get_object, Bucket=BUCKET, Key="k")
        same(hidden["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"], "true")
        unread = fails(405, "MethodNotAllowed", s3.get_object, Bucket=BUCKET, Key="k", VersionId=marker["VersionId"])
        headers = unread["ResponseMetadata"]["HTTPHeaders"]
        same((headers["allow"], headers["x-amz-delete-marker"]), ("DELETE", "true"))
        version, (_, holder) = next(iter(held.items()))
        s3.get_object(Bucket=BUCKET, Key="k", VersionId=version, **holder)["Body"].read()
        undone = s3.delete_object(Bucket=BUCKET, Key="k", VersionId=marker["VersionId"])
        same((undone["DeleteMarker"], undone["VersionId"]), (True, marker["VersionId"]))
        newest = list(held)[-1]
        same(s3.head_object(Bucket=BUCKET, Key="k", **held[newest][1])["VersionId"], newest)


def rows(page):
    """What a page of versions shows, in two lists."""
    of = lambda name: [(v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get(name, [])]  # noqa: E731
    return of("Versions"), of("DeleteMarkers")


def listing(lane, s3):
    """ListObjectVersions by pages of every size."""
    bucket, wanted, marked = "listed", [], []
    with lane.check("versions are listed by key, newest first"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a", Body=b"null")
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for key in ("a", "b/1", "b/2", "c ü&<"):
            for n in range(2):
                put = s3.put_object(Bucket=bucket, Key=key, Body=b"12345", **keys.boto(keys.fresh()))
                wanted.insert(len(wanted) - n, (key, put["VersionId"], n == 1))
            if key == "a":
                wanted.append(("a", "null", False))
        marked.append(("b/1", s3.delete_object(Bucket=bucket, Key="b/1")["VersionId"], True))
        wanted = [(k, v, latest and k != "b/1") for k, v, latest in wanted]
        same(rows(s3.list_object_versions(Bucket=bucket)), (wanted, marked))
    for size in (1, 2, 3, 1000):
        with lane.check(f"versions are listed by pages of {size}"):
            pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
            found = [rows(page) for page in pages]
            that(all(len(v) + len(m) <= size for v, m in found), "a page is too long")
            same((sum((v for v, _ in found), []), sum((m for _, m in found), [])), (wanted, marked))
    with lane.check("versions are rolled up"):
        page = s3.list_object_versions(Bucket=bucket, Prefix="b", Delimiter="/")
        same(([p["Prefix"] for p in page["CommonPrefixes"]], rows(page)), (["b/"], ([], [])))
    with lane.check("a bucket with a delete marker alone is not empty"):
        for key, version, _ in wanted:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
        fails(409, "BucketNotEmpty", s3.delete_bucket, Bucket=bucket)
        s3.delete_object(Bucket=bucket, Key="b/1", VersionId=marked[0][1])
        s3.delete_bucket(Bucket=bucket)


def deletes(lane, s3):
    """Many versions in one request."""
    with lane.check("delete_objects by version"):
        holder = keys.boto(keys.fresh())
        ids = [s3.put_object(Bucket=BUCKET, Key="many", Body=b"x", **holder)["VersionId"] for _ in range(3)]
        objects = [{"Key": "many", "VersionId": version} for version in ids[:2]] + [{"Key": "many"}]
        answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
        by_id = {d.get("VersionId"): d for d in answer["Deleted"]}
        same(sorted(by_id, key=str), sorted([*ids[:2], None], key=str))
        same(by_id[None]["DeleteMarker"], True)
        left, marked = rows(s3.list_object_versions(Bucket=BUCKET, Prefix="many"))
        same(([v for _, v, _ in left], [v for _, v, _ in marked]), ([ids[2]], [by_id[None]["DeleteMarkerVersionId"]]))


def suspended(lane, s3):
    """The null version is replaced; what was kept stays kept."""
    with lane.check("a suspended bucket replaces its null version"):
        first, second = keys.boto(keys.fresh()), keys.boto(keys.fresh())
        kept = s3.put_object(Bucket=BUCKET, Key="s", Body=b"kept", **first)["VersionId"]
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
        for body in (b"null 1", b"null 2"):
            s3.put_object(Bucket=BUCKET, Key="s", Body=body, **second)
        same(s3.get_object(Bucket=BUCKET, Key="s", VersionId="null", **second)["Body"].read(), b"null 2")
        fails(403, "AccessDenied", s3.get_object, Bucket=BUCKET, Key="s", VersionId=kept, **second)
        same([v for _, v, _ in rows(s3.list_object_versions(Bucket=BUCKET, Prefix="s"))[0]], ["null", kept])
        same(s3.delete_object(Bucket=BUCKET, Key="s")["VersionId"], "null")
        same(s3.get_object(Bucket=BUCKET, Key="s", VersionId=kept, **first)["Body"].read(), b"kept")
        s3.delete_object(Bucket=BUCKET, Key="s", VersionId="null")
        same(s3.get_object(Bucket=BUCKET, Key="s", **first)["Body"].read(), b"kept")


def attributes(lane, s3):
    """GetObjectAttributes, whole and by parts. botocore encodes no key for it."""
    holder = keys.boto(keys.fresh())
    with lane.check("attributes of a sealed object"):
        put = s3.put_object(Bucket=BUCKET, Key="attributes", Body=b"12345", **holder)
        ask = dict(Bucket=BUCKET, Key="attributes", ObjectAttributes=ATTRIBUTES)
        got = s3.get_object_attributes(**ask, **holder)
        same((got["ObjectSize"], got["ETag"], got["StorageClass"]), (5, put["ETag"].strip('"'), "STANDARD"))
        same(got["Checksum"]["ChecksumType"], "FULL_OBJECT")
        that("SSECustomerAlgorithm" not in got, "the key's headers are echoed")
        fails(400, "InvalidRequest", s3.get_object_attributes, **ask)
        fails(403, "AccessDenied", s3.get_object_attributes, **ask, **keys.boto(keys.fresh()))
    with lane.check("attributes of a multipart object by pages"):
        ask = dict(Bucket=BUCKET, Key="parts")
        upload = s3.create_multipart_upload(ChecksumAlgorithm="SHA256", **ask, **holder)["UploadId"]
        parts = []
        for number, size in ((1, 5 << 20), (2, 5 << 20), (3, 5)):
            part = s3.upload_part(UploadId=upload, PartNumber=number, Body=b"p" * size, ChecksumAlgorithm="SHA256", **ask, **holder)
            parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
        s3.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": parts}, **ask, **holder)
        found, marker = [], 0
        while True:
            page = s3.get_object_attributes(ObjectAttributes=["ObjectParts"], MaxParts=2, PartNumberMarker=marker, **ask, **holder)["ObjectParts"]
            same(page["TotalPartsCount"], 3)
            found += [(p["PartNumber"], p["Size"], p["ChecksumSHA256"]) for p in page["Parts"]]
            if not page["IsTruncated"]:
                break
            marker = page["NextPartNumberMarker"]
        same(found, [(p["PartNumber"], size, p["ChecksumSHA256"]) for p, size in zip(parts, (5 << 20, 5 << 20, 5))])


def tags(lane, s3):
    """Tags need no key."""
    with lane.check("tags of a sealed object, without its key"):
        holder = keys.boto(keys.fresh())
        s3.put_object(Bucket=BUCKET, Key="tagged", Body=b"x", Tagging="a=1", **holder)
        same(s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"], [{"Key": "a", "Value": "1"}])
        both = [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}]
        s3.put_object_tagging(Bucket=BUCKET, Key="tagged", Tagging={"TagSet": both})
        same(s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"], both)
        same(s3.head_object(Bucket=BUCKET, Key="tagged", **holder)["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"], "2")
        s3.delete_object_tagging(Bucket=BUCKET, Key="tagged")
        same(s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"], [])
        twice = {"TagSet": [{"Key": "a", "Value": "1"}] * 2}
        fails(400, "InvalidTag", s3.put_object_tagging, Bucket=BUCKET, Key="tagged", Tagging=twice)
    with lane.check("tags of a bucket"):
        fails(404, "NoSuchTagSet", s3.get_bucket_tagging, Bucket=BUCKET)
        s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
        same(s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"], [{"Key": "a", "Value": "1"}])
        s3.delete_bucket_tagging(Bucket=BUCKET)


def ownership(lane, s3):
    """ACLs as of BucketOwnerEnforced; a bucket without Object Lock."""
    with lane.check("the owner's full control is the only ACL"):
        s3.put_object(Bucket=BUCKET, Key="owned", Body=b"x", ACL="private", **keys.boto(keys.fresh()))
        for got in (s3.get_bucket_acl(Bucket=BUCKET), s3.get_object_acl(Bucket=BUCKET, Key="owned")):
            same([(g["Grantee"]["ID"], g["Permission"]) for g in got["Grants"]], [(got["Owner"]["ID"], "FULL_CONTROL")])
            policy = {"Owner": got["Owner"], "Grants": got["Grants"]}
            s3.put_object_acl(Bucket=BUCKET, Key="owned", AccessControlPolicy=policy)
        s3.put_object_acl(Bucket=BUCKET, Key="owned", ACL="bucket-owner-full-control")
        fails(400, "AccessControlListNotSupported", s3.put_object_acl, Bucket=BUCKET, Key="owned", ACL="public-read")
        fails(400, "AccessControlListNotSupported", s3.put_bucket_acl, Bucket=BUCKET, ACL="public-read")
        rule = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
        same(rule, [{"ObjectOwnership": "BucketOwnerEnforced"}])
    with lane.check("nothing is locked"):
        fails(404, "ObjectLockConfigurationNotFoundError", s3.get_object_lock_configuration, Bucket=BUCKET)
        fails(400, "InvalidRequest", s3.get_object_retention, Bucket=BUCKET, Key="owned")
        fails(400, "InvalidRequest", s3.put_object_legal_hold, Bucket=BUCKET, Key="owned", LegalHold={"Status": "ON"})
        fails(403, "InvalidObjectState", s3.restore_object, Bucket=BUCKET, Key="owned", RestoreRequest={"Days": 1})


def blocked_types(s3, bucket):
    """What GetBucketEncryption says is blocked."""
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    same(rule["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
    return rule["BlockedEncryptionTypes"]["EncryptionType"]


def block(s3, kind):
    """Sets what is blocked."""
    rule = {"BlockedEncryptionTypes": {"EncryptionType": [kind]}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})


def blocked(lane, s3):
    """A bucket that takes no customer keys."""
    with lane.check("a block refuses writes with a key and nothing else"):
        holder, put = keys.boto(keys.fresh()), dict(Bucket=BUCKET, Key="blocked", Body=b"x")
        s3.put_object(**put, **holder)
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key="up", **holder)["UploadId"]
        same(blocked_types(s3, BUCKET), ["NONE"])
        block(s3, "SSE-C")
        same(blocked_types(s3, BUCKET), ["SSE-C"])
        answer = fails(403, "AccessDenied", s3.put_object, **put, **holder)
        that("has blocked upload requests that specify" in answer["Error"]["Message"], "another message")
        fails(403, "AccessDenied", s3.upload_part, Bucket=BUCKET, Key="up", UploadId=upload, PartNumber=1, Body=b"x", **holder)
        fails(403, "AccessDenied", s3.create_multipart_upload, Bucket=BUCKET, Key="up", **holder)
        s3.get_object(Bucket=BUCKET, Key="blocked", **holder)["Body"].read()
        s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x")
        s3.abort_multipart_upload(Bucket=BUCKET, Key="up", UploadId=upload)
        block(s3, "NONE")
        s3.put_object(**put, **holder)
    with lane.check("a named key is a default, a second layer is not"):
        rule = lambda algorithm: {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}]}
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=rule("aws:kms"))
        same(s3.put_object(Bucket=BUCKET, Key="kms", Body=b"x")["ServerSideEncryption"], "aws:kms")
        same(s3.get_object(Bucket=BUCKET, Key="kms")["ServerSideEncryption"], "aws:kms")
        fails(501, "NotImplemented", s3.put_bucket_encryption, Bucket=BUCKET,
              ServerSideEncryptionConfiguration=rule("aws:kms:dsse"))
        s3.delete_bucket_encryption(Bucket=BUCKET)


if __name__ == "__main__":
    main("versions", run)
