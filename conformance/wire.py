"""What no SDK sends on purpose: chunked bodies of every form, cut or forged; malformed documents;
unsigned headers; ambiguous framing. Refused with S3's own words, and nothing is stored.
"""
import base64
import datetime
import hashlib
import email.utils
import socket
import subprocess
import time
import zlib

import keys
from checks import main, same, that
from http2 import Http2
from keys import trio
from raw import Raw, UNSIGNED, canonical_headers, derive, sign
from server import DOMAIN, REGION, Server

BUCKET = "/wire"
CHUNKS = [b"a" * 65536, b"b" * 65536, b"c" * 1000]
WHOLE = b"".join(CHUNKS)


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        raw, key = Raw(server), keys.fresh()
        same(raw.request("PUT", BUCKET).status, 200, "CreateBucket")
        published_example(lane)
        for headers in (trio(key), {}):
            streaming(lane, raw, headers, "sealed" if headers else "plain")
        interrupted(lane, raw, key)
        documents(lane, raw)
        subresources(lane, raw)
        identity(lane, raw, key)
        framing(lane, raw)
        connections(lane, raw, key)
        dates(lane, raw)
        other_origins(lane, raw, key)
        limits(lane, raw)
        addressing(lane, raw)
        second_server(lane, given, server)


def published_example(lane):
    """This lane's own signer, against the signatures that AWS's documentation gives for chunks and trailer."""
    with lane.check("the lane's chunk signer agrees with the published example"):
        example = object.__new__(Raw)
        example.stamp, example.scope = "20130524T000000Z", "20130524/us-east-1/s3/aws4_request"
        example.signing_key = derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524")
        example.seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
        trailer = ("x-amz-checksum-crc32c", "sOO8/Q==")
        body = example.chunk_body([b"a" * 65536, b"a" * 1024], "signed-trailer", trailer, None)
        for signature in (b"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                          b"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                          b"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
                          b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"):
            that(signature in body, f"no {signature.decode()}")


def crc32(data):
    """The value of x-amz-checksum-crc32."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def nothing_stored(raw, path, headers):
    """After a refusal."""
    same(raw.request("HEAD", BUCKET + path, headers).status, 404, "status of what must not be stored")


def streaming(lane, raw, headers, kind):
    """aws-chunked in its three forms, good and bad."""
    good = ("x-amz-checksum-crc32", crc32(WHOLE))
    bad = ("x-amz-checksum-crc32", crc32(b"another"))
    for mode in ("signed", "signed-trailer", "unsigned-trailer"):
        trailer = None if mode == "signed" else good
        path = f"/{kind}-{mode}"
        with lane.check(f"{kind} {mode}: stored as sent"):
            target, sent, body = raw.chunked(BUCKET + path, CHUNKS, headers, mode=mode, trailer=trailer)
            answer = raw.send("PUT", target, sent, body)
            same(answer.status, 200, repr(answer))
            same(raw.request("GET", BUCKET + path, headers).body, WHOLE)
            stored = raw.request("HEAD", BUCKET + path, headers).headers.get("content-encoding")
            that("aws-chunked" not in (stored or ""), "aws-chunked was stored as a Content-Encoding")
        with lane.check(f"{kind} {mode}: zero bytes"):
            empty = ("x-amz-checksum-crc32", crc32(b"")) if trailer else None
            target, sent, body = raw.chunked(BUCKET + path + "-0", [], headers, mode=mode, trailer=empty)
            same(raw.send("PUT", target, sent, body).status, 200)
            same(raw.request("GET", BUCKET + path + "-0", headers).body, b"")
        refusals(lane, raw, headers, f"{kind} {mode}", mode, trailer)
        if trailer:
            with lane.check(f"{kind} {mode}: a trailer of another body"):
                target, sent, body = raw.chunked(BUCKET + "/bad", CHUNKS, headers, mode=mode, trailer=bad)
                answer = raw.send("PUT", target, sent, body)
                same((answer.status, answer.code), (400, "BadDigest"), repr(answer))
                nothing_stored(raw, "/bad", headers)
            with lane.check(f"{kind} {mode}: the announced trailer is missing"):
                target, sent, body = raw.chunked(BUCKET + "/bad", CHUNKS, headers, mode=mode, trailer=good)
                cut = body[:body.rindex(b"0;" if mode == "signed-trailer" else b"0\r\n")] + b"0\r\n\r\n"
                refused_early(raw.send("PUT", target, sent, cut))
                nothing_stored(raw, "/bad", headers)


def refusals(lane, raw, headers, name, mode, trailer):
    """Chunked bodies that are not what they say."""
    for what, decoded in (("longer", len(WHOLE) - 1), ("shorter", len(WHOLE) + 1)):
        with lane.check(f"{name}: {what} than announced"):
            target, sent, body = raw.chunked(BUCKET + "/bad", CHUNKS, headers, mode=mode, trailer=trailer, decoded=decoded)
            refused_early(raw.send("PUT", target, sent, body))
            nothing_stored(raw, "/bad", headers)
    with lane.check(f"{name}: cut off inside a chunk, the framing whole"):
        target, sent, body = raw.chunked(BUCKET + "/bad", CHUNKS, headers, mode=mode, trailer=trailer)
        refused_early(raw.send("PUT", target, sent, body[:70000]))
        nothing_stored(raw, "/bad", headers)
    with lane.check(f"{name}: the connection lost inside a chunk"):
        target, sent, body = raw.chunked(BUCKET + "/bad", CHUNKS, headers, mode=mode, trailer=trailer)
        raw.half("PUT", target, sent + [("Content-Length", str(len(body)))], body[:70000])
        nothing_stored(raw, "/bad", headers)
    if mode == "unsigned-trailer":
        return
    forged = {"the first": 0, "the second": 1, "the last": len(CHUNKS)} | ({"the trailer's": "trailer"} if trailer else {})
    for which, index in forged.items():
        with lane.check(f"{name}: {which} signature forged"):
            spoil = lambda at, good, index=index: "0" * 64 if at == index else good  # noqa: E731
            target, sent, body = raw.chunked(BUCKET + "/bad", CHUNKS, headers, mode=mode, trailer=trailer, spoil=spoil)
            answer = raw.send("PUT", target, sent, body)
            same((answer.status, answer.code), (403, "SignatureDoesNotMatch"), repr(answer))
            nothing_stored(raw, "/bad", headers)


def refused_early(answer):
    """A body that is not what it says is a client's fault."""
    that(answer.status in (400, 403, 411), f"not refused as the client's fault: {answer!r}")


def interrupted(lane, raw, key):
    """A PUT that ends halfway leaves the old object as it was."""
    headers, path = trio(key), BUCKET + "/old"
    for size in (100, 300_000):
        old = bytes(range(256)) * (size // 256 + 1)
        with lane.check(f"an interrupted overwrite of {size} bytes leaves the old object"):
            same(raw.request("PUT", path, headers, old).status, 200)
            etag = raw.request("HEAD", path, headers).headers["etag"]
            target, sent = raw.signed("PUT", path, headers, payload=UNSIGNED)
            raw.half("PUT", target, sent + [("Content-Length", "1000000")], b"x" * 500_000)
            answer = raw.request("GET", path, headers)
            same((answer.body == old, answer.headers["etag"]), (True, etag))
    with lane.check("a payload of another digest stores nothing"):
        answer = raw.request("PUT", path, headers, b"new", payload=hashlib.sha256(b"other").hexdigest())
        same((answer.status, answer.code), (400, "XAmzContentSHA256Mismatch"), repr(answer))
        same(raw.request("HEAD", path, headers).headers["etag"], etag)


def documents(lane, raw):
    """XML that a parser must not be led astray by."""
    upload = raw.request("POST", BUCKET + "/xml", query={"uploads": ""}).error()["UploadId"]
    bomb = b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><Delete><Object><Key>&d;</Key></Object></Delete>'
    outside = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&b;</Key></Object></Delete>'
    rows = {
        "not XML": b"nonsense", "cut off": b"<Delete><Object><Key>a</Key>", "an entity": bomb, "an outside entity": outside,
        "nested deeply": b"<Delete>" + b"<a>" * 20000 + b"</a>" * 20000 + b"</Delete>",
        "the wrong root": b"<Frobnicate/>",
        "too large": b"<Delete><!--" + b"x" * (3 << 20) + b"--></Delete>",
    }
    for name, body in rows.items():
        with lane.check(f"DeleteObjects, {name}"):
            malformed(raw.request("POST", BUCKET, content_md5(body), body, {"delete": ""}))
        with lane.check(f"CompleteMultipartUpload, {name}"):
            body = body.replace(b"Delete", b"CompleteMultipartUpload")
            malformed(raw.request("POST", BUCKET + "/xml", {}, body, {"uploadId": upload}))
    for name, answer in {
        "DeleteObjects": raw.request("POST", BUCKET, content_md5(b""), b"", {"delete": ""}),
        "CompleteMultipartUpload": raw.request("POST", BUCKET + "/xml", {}, b"", {"uploadId": upload}),
    }.items():
        with lane.check(f"{name}, empty"):
            allowed = ("MalformedXML", "MissingRequestBodyError", "InvalidRequest")
            that(answer.status == 400 and answer.code in allowed, repr(answer))
    with lane.check("DeleteObjects, 1,001 keys"):
        body = b"<Delete>" + b"".join(b"<Object><Key>k%d</Key></Object>" % n for n in range(1001)) + b"</Delete>"
        malformed(raw.request("POST", BUCKET, content_md5(body), body, {"delete": ""}))
    with lane.check("DeleteObjects without a digest of its body"):
        answer = raw.request("POST", BUCKET, {}, b"<Delete><Object><Key>a</Key></Object></Delete>", {"delete": ""})
        same(answer.status, 400, repr(answer))
    with lane.check("CreateBucket, malformed"):
        malformed(raw.request("PUT", "/wire-xml", {}, b"<CreateBucketConfiguration><Loc"))
        same(raw.request("HEAD", "/wire-xml").status, 404)


def content_md5(body):
    """The header that DeleteObjects wants."""
    return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}


def malformed(answer):
    """400 MalformedXML."""
    same((answer.status, answer.code), (400, "MalformedXML"), repr(answer))


def subresources(lane, raw):
    """An unknown sub-resource never falls through to another operation."""
    raw.request("PUT", BUCKET + "/kept", {}, b"kept")
    for method, path, query in (
        ("PUT", "/kept", "frobnicate"), ("DELETE", "/kept", "frobnicate"), ("GET", "/kept", "frobnicate"),
        ("POST", "/kept", "select"), ("DELETE", "", "inventory"), ("DELETE", "", "frobnicate"),
        ("PUT", "", "analytics"), ("GET", "", "metrics"), ("PUT", "-new", "frobnicate"),
    ):
        with lane.check(f"{method} {path or '/'}?{query} is 501"):
            answer = raw.request(method, BUCKET + path, {}, b"x" if method == "PUT" else b"", {query: ""})
            same((answer.status, answer.code), (501, "NotImplemented"), repr(answer))
    with lane.check("nothing was changed by them"):
        same(raw.request("GET", BUCKET + "/kept").body, b"kept")
        same(raw.request("HEAD", BUCKET + "-new").status, 404)


def identity(lane, raw, key):
    """Who is asking, and how that is refused."""
    now = datetime.datetime.now(datetime.timezone.utc)
    path = BUCKET + "/old"
    rows = {
        "an unknown access key": ({"access": "AKNOBODY0000000000000"}, 403, "InvalidAccessKeyId"),
        "a wrong secret": ({"secret": "wrong"}, 403, "SignatureDoesNotMatch"),
        "a clock 20 minutes behind": ({"when": now - datetime.timedelta(minutes=20)}, 403, "RequestTimeTooSkewed"),
        "a clock 20 minutes ahead": ({"when": now + datetime.timedelta(minutes=20)}, 403, "RequestTimeTooSkewed"),
    }
    for name, (signing, status, code) in rows.items():
        with lane.check(f"{name} is {code}"):
            answer = raw.request("GET", path, trio(key), **signing)
            same((answer.status, answer.code), (status, code), repr(answer))
    with lane.check("nobody is AccessDenied"):
        answer = raw.send("GET", path, [("Host", raw.host)])
        same((answer.status, answer.code), (403, "AccessDenied"), repr(answer))
    with lane.check("an unsigned x-amz header is refused and named"):
        headers = {"x-amz-meta-a": "1", "x-amz-acl": "public-read"}
        answer = raw.request("PUT", BUCKET + "/unsigned", headers, b"x", unsigned={"x-amz-acl"})
        same((answer.status, answer.code), (403, "AccessDenied"), repr(answer))
        same(answer.error().get("HeadersNotSigned"), "x-amz-acl")
        nothing_stored(raw, "/unsigned", {})
    with lane.check("an unsigned header on a presigned URL is refused and named"):
        target = raw.presigned("PUT", BUCKET + "/unsigned")
        answer = raw.send("PUT", target, [("Host", raw.host), ("x-amz-meta-a", "1")], b"x")
        same((answer.status, answer.error().get("HeadersNotSigned")), (403, "x-amz-meta-a"), repr(answer))
    with lane.check("an expired presigned URL is AccessDenied"):
        target = raw.presigned("GET", path, expires=1, when=now - datetime.timedelta(seconds=30))
        answer = raw.send("GET", target, [("Host", raw.host)])
        same((answer.status, answer.error().get("Message")), (403, "Request has expired"), repr(answer))
    with lane.check("a presigned URL lives 7 days at most"):
        target = raw.presigned("GET", path, expires=604801)
        same(raw.send("GET", target, [("Host", raw.host)]).status, 400)
    with lane.check("a presigned URL is for its method and path"):
        target = raw.presigned("GET", path)
        same(raw.send("DELETE", target, [("Host", raw.host)]).status, 403)
        same(raw.send("GET", target.replace("/old", "/kept"), [("Host", raw.host)]).status, 403)


def framing(lane, raw):
    """Requests whose end two readers could see in two places. The smuggled one never runs."""
    host = f"Host: {raw.host}\r\n".encode()
    hidden = b"GET /-/ready HTTP/1.1\r\n" + host + b"\r\n"
    rows = {
        "two lengths": (b"PUT /wire/s HTTP/1.1\r\n" + host + b"Content-Length: 5\r\nContent-Length: %d\r\n\r\nhello" % (5 + len(hidden)), b"400"),
        "a length and chunks": (b"PUT /wire/s HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"4"),
    }
    for name, (head, status) in rows.items():
        with lane.check(f"{name}: one refusal, and the connection closes"):
            answer = raw.bytes(head + hidden)
            that(answer.startswith(b"HTTP/1.1 " + status), f"answered {answer[:200]!r}")
            same(answer.count(b"HTTP/1.1 "), 1, "responses on the connection")
    put = b"PUT /wire/s HTTP/1.1\r\n" + host
    for name, lines in {
        "a folded header": b"X: a\r\n b\r\nContent-Length: 0\r\n",
        "a folded length": b"Content-Length:\r\n 5\r\n",
        "a space before the colon": b"Content-Length : 5\r\n",
        "a signed length": b"Content-Length: +5\r\n",
        "lengths in one line": b"Content-Length: 5, 6\r\n",
        "an unknown transfer coding": b"Transfer-Encoding: xchunked\r\n",
        "chunks that do not come last": b"Transfer-Encoding: chunked, identity\r\n",
        "a NUL in a value": b"X: a\0b\r\n",
        "a carriage return in a value": b"X: a\rb\r\n",
    }.items():
        with lane.check(f"{name}: one refusal, and the connection closes"):
            answer = raw.bytes(put + lines + b"\r\n" + hidden)
            that(answer.startswith(b"HTTP/1.1 400"), f"answered {answer[:200]!r}")
            same(answer.count(b"HTTP/1.1 "), 1, "responses on the connection")
    with lane.check("a signed request with a length and chunks: chunks count, and the connection closes"):
        payload = {"payload": UNSIGNED}
        target, sent = raw.signed("PUT", BUCKET + "/s", {"x-amz-decoded-content-length": "5"}, **payload)
        sent += [("Content-Length", "4"), ("Transfer-Encoding", "chunked")]
        answer = raw.bytes(head_of("PUT", target, sent) + b"5\r\nhello\r\n0\r\n\r\n" + hidden)
        same(answer.count(b"HTTP/1.1 "), 1, f"responses on the connection in {answer!r}")
        that(b"ready" not in answer, "the hidden request ran")
    with lane.check("chunks without a decoded length are 411"):
        target, sent = raw.signed("PUT", BUCKET + "/s", {}, payload=UNSIGNED)
        answer = raw.send("PUT", target, sent + [("Transfer-Encoding", "chunked")], b"5\r\nhello\r\n0\r\n\r\n")
        same((answer.status, answer.code), (411, "MissingContentLength"), repr(answer))
        nothing_stored(raw, "/s", {})
    with lane.check("a header block of 80 KiB is refused"):
        answer = raw.bytes(b"GET /wire HTTP/1.1\r\n" + host + b"X: " + b"y" * 81920 + b"\r\n\r\n")
        that(answer[9:10] == b"4" or answer == b"", f"answered {answer[:100]!r}")


def head_of(method, target, headers):
    """A request's head, as it is sent."""
    lines = [f"{method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def connections(lane, raw, key):
    """What one connection carries: 100 Continue, requests one after another, HTTP/2."""
    waiting = [("Expect", "100-continue"), ("Content-Length", "5")]
    with lane.check("100 Continue is said to who may send the body"):
        target, sent = raw.signed("PUT", BUCKET + "/waits", trio(key), b"hello")
        with Talk(raw) as talk:
            talk.send(head_of("PUT", target, sent + waiting))
            same(talk.until(b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
            talk.send(b"hello")
            that(talk.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200"), "not stored")
        same(raw.request("GET", BUCKET + "/waits", trio(key)).body, b"hello")
    refused = {
        "of nobody": ("PUT", BUCKET + "/no", {}, {"access": "AKNOBODY0000000000000"}),
        "of a wrong signature": ("PUT", BUCKET + "/no", {}, {"secret": "wrong"}),
        "for a bucket that is not there": ("PUT", "/no-such-bucket/no", {}, {}),
        "with half a key": ("PUT", BUCKET + "/no", {key_header: "AES256" for key_header in list(trio(key))[:1]}, {}),
    }
    for name, (method, path, headers, signing) in refused.items():
        with lane.check(f"100 Continue is not said to a request {name}, and the connection closes"):
            target, sent = raw.signed(method, path, headers, b"hello", **signing)
            answer = raw.bytes(head_of(method, target, sent + waiting))
            that(answer.startswith(b"HTTP/1.1 4") and b"100 Continue" not in answer, f"answered {answer[:200]!r}")
            that(b"connection: close" in answer.lower(), f"closed without a word: {answer[:600]!r}")
    with lane.check("requests sent together are answered in order"):
        puts = [raw.signed("PUT", f"{BUCKET}/line-{n}", {}, b"%d" % n) for n in range(5)]
        sent = b"".join(head_of("PUT", target, headers + [("Content-Length", "1")]) + b"%d" % n
                        for n, (target, headers) in enumerate(puts))
        gets = [raw.signed("GET", f"{BUCKET}/line-{n}") for n in range(5)]
        sent += b"".join(head_of("GET", target, headers) for target, headers in gets[:-1])
        sent += head_of("GET", gets[-1][0], gets[-1][1] + [("Connection", "close")])
        answers = raw.bytes(sent).split(b"HTTP/1.1 ")[1:]
        same([answer[:3] for answer in answers], [b"200"] * 10, "statuses")
        same([answer.rpartition(b"\r\n\r\n")[2] for answer in answers[5:]], [b"%d" % n for n in range(5)])
    with lane.check("a refusal whose body was read keeps the connection"):
        with Talk(raw) as talk:
            for _ in range(3):
                target, sent = raw.signed("PUT", BUCKET + "/no", {}, b"hello", secret="wrong")
                talk.send(head_of("PUT", target, sent + [("Content-Length", "5")]) + b"hello")
                answer = talk.until(b"</Error>")
                that(b"SignatureDoesNotMatch" in answer and b"connection: close" not in answer.lower(), repr(answer))
    with lane.check("HTTP/2 carries objects under a key"):
        connection = Http2(raw.server)
        for method, body, wanted in (("PUT", b"over h2", b""), ("GET", b"", b"over h2")):
            target, sent = raw.signed(method, BUCKET + "/h2", trio(key), body)
            same(connection.request(method, target, sent, body), (200, wanted))
        connection.close()
    with lane.check("HTTP/2: lengths that contradict each other and the body are refused"):
        connection = Http2(raw.server)
        target, sent = raw.signed("PUT", BUCKET + "/h2-long", {}, payload=UNSIGNED)
        try:
            status, _ = connection.request("PUT", target, sent + [("content-length", "3")], b"longer")
            that(status != 200, "stored")
        except ConnectionError:
            pass
        connection.close()
        nothing_stored(raw, "/h2-long", {})


class Talk:
    """One connection on which a check sends and reads in turns."""

    def __init__(self, raw):
        plain = socket.create_connection(("127.0.0.1", raw.server.port), timeout=10)
        self.stream, self.unread = raw.server.tls(check_hostname=False).wrap_socket(plain), b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, data):
        """Sends bytes as they are."""
        self.stream.sendall(data)

    def until(self, end):
        """What comes up to and with `end`."""
        while end not in self.unread:
            part = self.stream.recv(65536)
            that(part, f"closed after {self.unread!r}")
            self.unread += part
        found, _, self.unread = self.unread.partition(end)
        return found + end


def forms(seconds):
    """A time in HTTP's three forms."""
    at = time.gmtime(seconds)
    return {"IMF-fixdate": email.utils.formatdate(seconds, usegmt=True),
            "RFC 850": time.strftime("%A, %d-%b-%y %H:%M:%S GMT", at), "asctime": time.strftime("%a %b %e %H:%M:%S %Y", at)}


def dates(lane, raw):
    """Every form of a date that HTTP allows, and the form of mail."""
    raw.request("PUT", BUCKET + "/dated", {}, b"x")
    modified = email.utils.mktime_tz(email.utils.parsedate_tz(raw.request("HEAD", BUCKET + "/dated").headers["last-modified"]))
    for name, text in forms(modified).items():
        with lane.check(f"If-Modified-Since in the form of {name}"):
            same(raw.request("GET", BUCKET + "/dated", {"If-Modified-Since": text}).status, 304)
    for name, text in forms(modified - 3600).items():
        with lane.check(f"If-Unmodified-Since in the form of {name}"):
            same(raw.request("GET", BUCKET + "/dated", {"If-Unmodified-Since": text}).status, 412)
    with lane.check("a date that is none is no condition"):
        same(raw.request("GET", BUCKET + "/dated", {"If-Modified-Since": "yesterday"}).status, 200)
    now = int(time.time())
    for name, text in (forms(now) | {"mail": email.utils.formatdate(now)}).items():
        with lane.check(f"a signature with a Date in the form of {name}"):
            same(raw.send("GET", BUCKET + "/dated", dated(raw, now, text)).status, 200)
    with lane.check("a signature with a Date of an hour ago is RequestTimeTooSkewed"):
        old = now - 3600
        answer = raw.send("GET", BUCKET + "/dated", dated(raw, old, email.utils.formatdate(old, usegmt=True)))
        same((answer.status, answer.code), (403, "RequestTimeTooSkewed"), repr(answer))
    with lane.check("a signature without any date is AccessDenied"):
        answer = raw.send("GET", BUCKET + "/dated", dated(raw, now, "soon"))
        same((answer.status, answer.code), (403, "AccessDenied"), repr(answer))


def dated(raw, seconds, text):
    """The headers of a signed GET of /dated that has Date instead of x-amz-date."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
    pairs = [("Host", raw.host), ("Date", text), ("x-amz-content-sha256", UNSIGNED)]
    names, block = canonical_headers(pairs)
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    canonical = "\n".join(["GET", BUCKET + "/dated", "", block, names, UNSIGNED])
    signature = sign(derive(raw.secret, stamp[:8]), stamp, scope, canonical)
    return pairs + [("Authorization", f"AWS4-HMAC-SHA256 Credential={raw.access}/{scope}, "
                     f"SignedHeaders={names}, Signature={signature}")]


def other_origins(lane, raw, key):
    """A page of another origin that sends a customer key."""
    page = "https://app.example"
    rules = (b"<CORSConfiguration><CORSRule><AllowedOrigin>https://app.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
             b"<AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader></CORSRule></CORSConfiguration>")
    asking = [("Host", raw.host), ("Origin", page), ("Access-Control-Request-Method", "PUT"),
              ("Access-Control-Request-Headers", ",".join(name.lower() for name in trio(key)))]
    with lane.check("a preflight of a bucket without rules is AccessForbidden"):
        answer = raw.send("OPTIONS", BUCKET + "/page", asking)
        same((answer.status, answer.code), (403, "AccessForbidden"), repr(answer))
        same(answer.error().get("Message"), "CORSResponse: CORS is not enabled for this bucket.")
    with lane.check("a preflight is answered, by path and by virtual host"):
        same(raw.request("PUT", BUCKET, content_md5(rules), rules, {"cors": ""}).status, 200)
        hosted = [("Host", f"wire.{DOMAIN}")] + asking[1:]
        for target, headers in ((BUCKET + "/page", asking), ("/page", hosted)):
            answer = raw.send("OPTIONS", target, headers)
            same((answer.status, answer.headers.get("access-control-allow-origin")), (200, page), repr(answer))
            that("customer-key" in answer.headers.get("access-control-allow-headers", ""), "the key may not be sent")
    with lane.check("the page's own request, and its refusal, say what it may read"):
        for headers, status in ((trio(key), 200), (dict(list(trio(key).items())[:1]), 400)):
            answer = raw.request("PUT", BUCKET + "/page", headers | {"Origin": page}, b"x")
            said = [answer.headers.get("access-control-" + name) for name in ("allow-origin", "expose-headers")]
            same((answer.status, said), (status, [page, "ETag"]), repr(answer))


def limits(lane, raw):
    """Sizes that S3 fixes."""
    with lane.check("a key of 1,024 bytes"):
        same(raw.request("PUT", BUCKET + "/" + "k" * 1024, {}, b"x").status, 200)
    with lane.check("a key of 1,025 bytes is KeyTooLongError"):
        answer = raw.request("PUT", BUCKET + "/" + "k" * 1025, {}, b"x")
        same((answer.status, answer.code), (400, "KeyTooLongError"), repr(answer))
    with lane.check("a NUL in a key is 400"):
        same(raw.request("PUT", BUCKET + "/a\0b", {}, b"x").status, 400)
    with lane.check("metadata of more than 2 KiB is MetadataTooLarge"):
        answer = raw.request("PUT", BUCKET + "/meta", {"x-amz-meta-a": "v" * 2100}, b"x")
        same((answer.status, answer.code), (400, "MetadataTooLarge"), repr(answer))
    with lane.check("a bucket name that S3 would refuse is InvalidBucketName"):
        for name in ("ab", "UPPER", "a..b", "192.168.1.1"):
            answer = raw.request("PUT", "/" + name)
            same((answer.status, answer.code), (400, "InvalidBucketName"), f"{name}: {answer!r}")
    with lane.check("part number 10,001 is InvalidArgument"):
        upload = raw.request("POST", BUCKET + "/many", query={"uploads": ""}).error()["UploadId"]
        answer = raw.request("PUT", BUCKET + "/many", {}, b"x", {"partNumber": "10001", "uploadId": upload})
        same((answer.status, answer.code), (400, "InvalidArgument"), repr(answer))


def addressing(lane, raw):
    """The same object by path and by virtual host."""
    with lane.check("virtual-host style reads what path style wrote"):
        raw.request("PUT", BUCKET + "/a key/with ü & +", {}, b"both ways")
        answer = raw.request("GET", "/a key/with ü & +", host=f"wire.{DOMAIN}")
        same((answer.status, answer.body), (200, b"both ways"), repr(answer))
    with lane.check("virtual-host style lists the bucket"):
        answer = raw.request("GET", "/", query={"list-type": "2"}, host=f"wire.{DOMAIN}")
        that(answer.status == 200 and b"<ListBucketResult" in answer.body, repr(answer))
    with lane.check("/-/ is an ordinary key on a virtual host"):
        same(raw.request("PUT", "/-/ready", {}, b"mine", host=f"wire.{DOMAIN}").status, 200)
        same(raw.request("GET", BUCKET + "/-/ready").body, b"mine")


def second_server(lane, given, server):
    """Two servers on one data directory."""
    with lane.check("a second server on the same data directory is refused clearly"):
        other = Server(given.bin, data=server.data)
        ended = subprocess.run(other.command(), capture_output=True, text=True, timeout=20, env=other.environment)
        same(ended.returncode, 1, "exit code")
        that(str(server.data) in ended.stderr, f"said {ended.stderr!r}")
        that(server.ready(), "the first server still serves")


if __name__ == "__main__":
    main("wire", run)
