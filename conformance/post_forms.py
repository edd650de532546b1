"""Uploads by HTML form as boto3 presigns them, and presigned URLs with customer keys.

The forms are sent by urllib3, whose multipart/form-data is that of the browsers.
"""
import base64
import hashlib
import hmac
import json
import os
import time
import xml.etree.ElementTree as ElementTree

import urllib3

import keys
from checks import main, same, that
from server import Server

BUCKET = "post-forms"


class Browser:
    """Sends forms and fetches URLs over verified TLS; follows no redirect."""

    def __init__(self, server):
        self.server = server
        self.pool = urllib3.PoolManager(ca_certs=str(server.ca), retries=False, timeout=60)

    def post(self, post, file=b"content", filename="cat.png", **more):
        """Posts a presigned form; the file is last, as it must be."""
        fields = list((post["fields"] | more).items()) + [("file", (filename, file))]
        return self.pool.request("POST", post["url"], fields=fields, redirect=False)

    def fetch(self, method, url, headers=None, body=None):
        """Sends these headers and no others of S3's."""
        return self.pool.request(method, url, headers=headers or {}, body=body, redirect=False)


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        s3 = server.boto3(signature_version="s3v4")
        s3.create_bucket(Bucket=BUCKET)
        browser = Browser(server)
        forms(lane, s3, browser)
        answers(lane, s3, browser)
        customer_keys(lane, s3, browser)
        refusals(lane, s3, browser)
        old_forms(lane, server, s3, browser)
        presigned_urls(lane, s3, browser)


def presign(s3, key, fields=None, conditions=None, expires=600):
    """What boto3 gives a web page: a URL and fields."""
    allowed = [["starts-with", f"${name}", ""] for name in fields or {}] + (conditions or [])
    return s3.generate_presigned_post(BUCKET, key, Fields=dict(fields or {}), Conditions=allowed, ExpiresIn=expires)


def content(s3, key, **holder):
    """The object's bytes."""
    return s3.get_object(Bucket=BUCKET, Key=key, **holder)["Body"].read()


def failed(reply, status, code, message=None):
    """The refusal is this one."""
    root = ElementTree.fromstring(reply.data)
    same((reply.status, root.findtext("Code")), (status, code), reply.data)
    if message:
        same(root.findtext("Message"), message)


def forms(lane, s3, browser):
    """What fields can say of an object."""
    with lane.check("a form is stored under the file's name"):
        reply = browser.post(presign(s3, "user/${filename}"), b"meow", "C:\\pictures\\cat one.png")
        same((reply.status, reply.data), (204, b""))
        same(reply.headers["ETag"], '"%s"' % hashlib.md5(b"meow").hexdigest())
        same(content(s3, "user/cat one.png"), b"meow")
    for size in (0, 1, 16384, 1 << 20, (20 << 20) + 7):
        with lane.check(f"a file of {size} bytes"):
            body = os.urandom(size)
            same(browser.post(presign(s3, "sized"), body).status, 204)
            same(content(s3, "sized") == body, True, "the same bytes")
    with lane.check("bytes that look like delimiters are content"):
        body = b"\r\n--" * 5000 + b"\r\n-" * 5000 + b"\r" * 5000
        same(browser.post(presign(s3, "dashes"), body).status, 204)
        same(content(s3, "dashes") == body, True, "the same bytes")
    with lane.check("metadata, tags and storage class"):
        tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
        fields = {"Content-Type": "text/x-a", "x-amz-meta-one": "eins", "tagging": tags, "acl": "private",
                  "x-amz-storage-class": "STANDARD_IA", "Cache-Control": "no-store"}
        same(browser.post(presign(s3, "dressed", fields)).status, 204)
        head = s3.head_object(Bucket=BUCKET, Key="dressed")
        same((head["ContentType"], head["Metadata"], head["StorageClass"], head["CacheControl"]),
             ("text/x-a", {"one": "eins"}, "STANDARD_IA", "no-store"))
    with lane.check("checksums in fields are verified"):
        digest = base64.b64encode(hashlib.sha256(b"content").digest()).decode()
        same(browser.post(presign(s3, "summed", {"x-amz-checksum-sha256": digest})).status, 204)
        failed(browser.post(presign(s3, "summed", {"x-amz-checksum-sha256": digest}), b"other"), 400, "BadDigest")


def answers(lane, s3, browser):
    """success_action_status and success_action_redirect."""
    with lane.check("201 has a document"):
        reply = browser.post(presign(s3, "a/${filename}", {"success_action_status": "201"}))
        root = ElementTree.fromstring(reply.data)
        same((reply.status, root.tag, root.findtext("Bucket"), root.findtext("Key")),
             (201, "PostResponse", BUCKET, "a/cat.png"))
        same((root.findtext("ETag"), root.findtext("Location")), (reply.headers["ETag"], reply.headers["Location"]))
    with lane.check("200 has none"):
        reply = browser.post(presign(s3, "a", {"success_action_status": "200"}))
        same((reply.status, reply.data), (200, b""))
    with lane.check("a redirect names the object"):
        reply = browser.post(presign(s3, "a/b", {"success_action_redirect": "https://a.example/done?x=1"}))
        etag = hashlib.md5(b"content").hexdigest()
        same((reply.status, reply.headers["Location"]),
             (303, f"https://a.example/done?x=1&bucket={BUCKET}&key=a%2Fb&etag=%22{etag}%22"))


def customer_keys(lane, s3, browser):
    """The SSE-C trio as form fields."""
    key = keys.fresh()
    for name, change in (("as documented", str), ("in lower case", str.lower), ("in upper case", str.upper)):
        with lane.check(f"a customer key in fields {name}"):
            fields = {change(field): value for field, value in keys.trio(key).items()}
            reply = browser.post(presign(s3, "sealed", fields))
            same((reply.status, reply.headers[keys.ALG], reply.headers[keys.MD5]), (204, "AES256", keys.md5(key)))
            that(keys.SSE not in reply.headers, "no server-side encryption is claimed")
            same(content(s3, "sealed", **keys.boto(key)), b"content")
    with lane.check("a key that is not ASCII is E5"):
        fields = {keys.ALG: "AES256", keys.KEY: "schlüssel", keys.MD5: keys.md5(key)}
        reply = browser.post(presign(s3, "refused", fields))
        failed(reply, 400, "InvalidArgument",
               "The secret key was improperly encoded. The secret key must be Base64 encoded.")
        same(ElementTree.fromstring(reply.data).findtext("ArgumentValue"), "schlüssel")
    with lane.check("a key pinned by the policy is not shown"):
        post = presign(s3, "refused", conditions=[["eq", f"${name}", value] for name, value in keys.trio(key).items()])
        reply = browser.post(post, **keys.trio(keys.fresh()))
        failed(reply, 403, "AccessDenied")
        that(keys.b64(key).encode() not in reply.data, "the key is in the answer")


def refusals(lane, s3, browser):
    """Policies that do not hold."""
    denied = "Invalid according to Policy: "
    with lane.check("an expired policy"):
        post = presign(s3, "refused", expires=1)
        time.sleep(2.1)
        failed(browser.post(post), 403, "AccessDenied", denied + "Policy expired.")
    with lane.check("a condition that fails, and a field without one"):
        failed(browser.post(presign(s3, "refused"), key="other"), 403, "AccessDenied",
               denied + 'Policy Condition failed: ["eq", "$key", "refused"]')
        failed(browser.post(presign(s3, "refused"), **{"x-amz-meta-a": "b"}), 403, "AccessDenied",
               denied + "Extra input fields: x-amz-meta-a")
    with lane.check("a file that is too long or too short"):
        post = presign(s3, "refused", conditions=[["content-length-range", 5, 10]])
        failed(browser.post(post, b"x" * 11), 400, "EntityTooLarge")
        failed(browser.post(post, b"x" * 4), 400, "EntityTooSmall")
    with lane.check("a forged or a missing signature"):
        failed(browser.post(presign(s3, "refused"), **{"x-amz-signature": "0" * 64}), 403, "SignatureDoesNotMatch")
        post = presign(s3, "refused")
        del post["fields"]["x-amz-signature"]
        failed(browser.post(post), 400, "InvalidArgument")
        failed(browser.post({"url": post["url"], "fields": {"key": "refused"}}), 403, "AccessDenied")
    with lane.check("nothing of all that was stored"):
        same(s3.list_objects_v2(Bucket=BUCKET, Prefix="refused")["KeyCount"], 0)


def old_forms(lane, server, s3, browser):
    """Version 2 signatures, as forms have them that were written long ago."""
    with lane.check("a form signed with version 2"):
        access, secret = server.credentials()
        policy = {"expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600)),
                  "conditions": [{"bucket": BUCKET}, ["starts-with", "$key", "old/"]]}
        policy = base64.b64encode(json.dumps(policy).encode())
        signature = base64.b64encode(hmac.new(secret.encode(), policy, hashlib.sha1).digest()).decode()
        fields = {"key": "old/${filename}", "AWSAccessKeyId": access, "policy": policy.decode(), "signature": signature}
        same(browser.post({"url": f"{server.endpoint}/{BUCKET}", "fields": fields}).status, 204)
        same(content(s3, "old/cat.png"), b"content")
        failed(browser.post({"url": f"{server.endpoint}/{BUCKET}", "fields": fields | {"signature": "x"}}),
               403, "SignatureDoesNotMatch")


def presigned_urls(lane, s3, browser):
    """Which headers of SSE-C a presigned URL needs to cover, and which it does not."""
    key, body = keys.fresh(), b"presigned"
    trio = keys.trio(key)
    loose = {name: trio[name] for name in (keys.KEY, keys.MD5)}
    sign = lambda operation, **more: s3.generate_presigned_url(  # noqa: E731
        operation, Params=dict(Bucket=BUCKET, Key="presigned", **more))
    with lane.check("presigned PUT and GET, the whole trio signed"):
        same(browser.fetch("PUT", sign("put_object", **keys.boto(key)), trio, body).status, 200)
        same(browser.fetch("GET", sign("get_object", **keys.boto(key)), trio).data, body)
    with lane.check("the algorithm signed as a header, key and MD5 unsigned"):
        same(browser.fetch("GET", sign("get_object", SSECustomerAlgorithm="AES256"), trio).data, body)
        same(browser.fetch("HEAD", sign("head_object", SSECustomerAlgorithm="AES256"), trio).status, 200)
    with lane.check("the algorithm hoisted into the query"):
        url = hoisted(s3, {keys.ALG.lower(): "AES256"})
        same(browser.fetch("GET", url, loose).data, body)
        reply = browser.fetch("GET", url, trio)
        failed(reply, 403, "AccessDenied", "There were headers present in the request which were not signed")
        names = ", ".join(name.lower() for name in trio)
        same(ElementTree.fromstring(reply.data).findtext("HeadersNotSigned"), names)
    with lane.check("the whole trio hoisted"):
        url = hoisted(s3, {name.lower(): value for name, value in trio.items()})
        same(browser.fetch("GET", url).data, body)
    with lane.check("nothing signed of the trio: HeadersNotSigned"):
        reply = browser.fetch("GET", sign("get_object"), trio)
        failed(reply, 403, "AccessDenied")
        failed(browser.fetch("GET", sign("get_object"), loose), 403, "AccessDenied")
    with lane.check("no key at all"):
        failed(browser.fetch("GET", sign("get_object")), 400, "InvalidRequest")
        failed(browser.fetch("GET", sign("get_object", SSECustomerAlgorithm="AES256"), {keys.ALG: "AES256"}),
               400, "InvalidArgument")


def hoisted(s3, parameters):
    """A presigned GET whose query has these parameters under its signature."""
    def add(request, **_):
        request.params.update(parameters)
    s3.meta.events.register("before-sign.s3.GetObject", add)
    try:
        return s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "presigned"})
    finally:
        s3.meta.events.unregister("before-sign.s3.GetObject", add)


if __name__ == "__main__":
    main("post_forms", run)
