"""OBS's guide: its sample header lines, verbatim, on every interface of its tables, in both spellings.

The guide writes `x-amz-`; OBS itself answers to `x-obs-` as well, so each check runs with both.
"""
import base64

from checks import main, same, that
from guides import complete, post, served
from raw import Raw
from server import Server

BUCKET = "guide"
# As the guide prints them.
SAMPLE = """x-amz-server-side-encryption-customer-algorithm:AES256
x-amz-server-side-encryption-customer-key:K7QkYpBkM5+hcs27fsNkUnNVaobncnLht/rCB2o/9Cw=
x-amz-server-side-encryption-customer-key-MD5:4XvB3tbNTN+tIEVa0/fGaQ=="""
SOURCE_SAMPLE = """x-amz-copy-source-server-side-encryption-customer-algorithm:AES256
x-amz-copy-source-server-side-encryption-customer-key:K7QkYpBkM5+hcs27fsNkUnNVaobncnLht/rCB2o/9Cw=
x-amz-copy-source-server-side-encryption-customer-key-MD5:4XvB3tbNTN+tIEVa0/fGaQ=="""


def headers(sample, prefix):
    """The sample's lines as headers of a prefix."""
    pairs = (line.split(":", 1) for line in sample.splitlines())
    return {name.replace("x-amz-", prefix, 1): value for name, value in pairs}


def run(lane, given):
    """Both spellings."""
    with Server(given.bin, profile="obs", plain_http=True) as server:
        raw = Raw(server)
        served(raw.request("PUT", f"/{BUCKET}"))
        for prefix in ("x-amz-", "x-obs-"):
            interfaces(lane, raw, prefix)
            copies(lane, raw, prefix)
            rules(lane, server, prefix)
        with lane.check("both spellings at once are refused"):
            both = headers(SAMPLE, "x-amz-") | headers(SAMPLE, "x-obs-")
            same(raw.request("PUT", f"/{BUCKET}/both", both, b"x").status, 400)


def interfaces(lane, raw, prefix):
    """Table 2 without its copies."""
    own, path = headers(SAMPLE, prefix), f"/{BUCKET}/{prefix}key"
    with lane.check(f"{prefix}: PUT Object"):
        echoed(served(raw.request("PUT", path, own, b"body")), own)
    with lane.check(f"{prefix}: HEAD Object"):
        echoed(served(raw.request("HEAD", path, own)), own)
    with lane.check(f"{prefix}: GET Object"):
        same(echoed(served(raw.request("GET", path, own)), own).body, b"body")
        same(raw.request("GET", path).status, 400)
    with lane.check(f"{prefix}: POST Object"):
        served(post(raw, BUCKET, f"{prefix}posted", own, b"posted"), 204)
        same(served(raw.request("GET", f"/{BUCKET}/{prefix}posted", own)).body, b"posted")
    with lane.check(f"{prefix}: Initiate Multipart Upload, Upload Part, complete without the key"):
        path = f"/{BUCKET}/{prefix}parts"
        begun = echoed(served(raw.request("POST", path, own, query={"uploads": ""})), own)
        upload = begun.error()["UploadId"]
        same(raw.request("PUT", path, {}, b"part", {"partNumber": "1", "uploadId": upload}).status, 400)
        part = raw.request("PUT", path, own, b"part", {"partNumber": "1", "uploadId": upload})
        served(complete(raw, path, upload, [echoed(served(part), own).headers["etag"]]))
        same(served(raw.request("GET", path, own)).body, b"part")


def copies(lane, raw, prefix):
    """The copies of table 2, with the headers of table 3."""
    own, source = headers(SAMPLE, prefix), headers(SOURCE_SAMPLE, prefix)
    path, copied = f"/{BUCKET}/{prefix}key", f"/{BUCKET}/{prefix}copy"
    with lane.check(f"{prefix}: PUT Object - Copy"):
        served(raw.request("PUT", copied, own | source | {"x-amz-copy-source": path}))
        same(served(raw.request("GET", copied, own)).body, b"body")
    with lane.check(f"{prefix}: Upload Part - Copy"):
        upload = served(raw.request("POST", copied, own, query={"uploads": ""})).error()["UploadId"]
        part = raw.request("PUT", copied, own | source | {"x-amz-copy-source": path},
                           query={"partNumber": "1", "uploadId": upload})
        served(complete(raw, copied, upload, [served(part).error()["ETag"]]))
        same(served(raw.request("GET", copied, own)).body, b"body")


def rules(lane, server, prefix):
    """What the guide says of the headers."""
    raw, own = Raw(server), headers(SAMPLE, prefix)
    path = f"/{BUCKET}/{prefix}rules"
    with lane.check(f"{prefix}: the three headers are mandatory"):
        for name in own:
            fewer = {other: value for other, value in own.items() if other != name}
            same(raw.request("PUT", path, fewer, b"x").status, 400, f"PUT without {name}")
        same(raw.request("GET", path).status, 404)
    with lane.check(f"{prefix}: the MD5 finds an error in the key's transmission"):
        changed = {name: value.replace("K7", "K8") for name, value in own.items()}
        answer = raw.request("PUT", path, changed, b"x")
        that("did not match" in answer.error().get("Message", ""), answer)
    with lane.check(f"{prefix}: no key over plain HTTP"):
        for name, value in own.items():
            answer = Raw(server, plain=True).request("PUT", path, {name: value}, b"x")
            that("secure connection" in answer.error().get("Message", ""), answer)
    with lane.check(f"{prefix}: the headers must be signed"):
        same(raw.request("PUT", path, own, b"x", unsigned={name.lower() for name in own}).status, 403)
        url = raw.presigned("PUT", path, {name: own[name] for name in list(own)[:1]})
        served(raw.send("PUT", url, [("Host", raw.host), *own.items()], b"presigned"))
        same(served(raw.request("GET", path, own)).body, b"presigned")
    with lane.check(f"{prefix}: the key is stored nowhere"):
        text = next(value for name, value in own.items() if name.endswith("key"))
        raw_key = base64.b64decode(text)
        held = [file for file in server.files() if any(n in file.read_bytes() for n in (raw_key, text.encode()))]
        same(held, [])
        that(text not in server.log(), "the log holds the key")


def echoed(answer, own):
    """The answer, if it repeats algorithm and MD5 under the names of the request, and no key."""
    for name, value in own.items():
        wanted = None if name.endswith("-key") else value
        same(answer.headers.get(name.lower()), wanted, name)
    return answer


if __name__ == "__main__":
    main("obs_guide", run)
