"""Every refusal of SSE-C that a client can meet, word for word: E1 to E22 of the behaviour.

Each row is a raw signed request and the exact status, Code, Message, ArgumentName and ArgumentValue.
Not here: E5 in a form (the lane post_forms) and E18 (the lane versions).
"""
import base64
import hashlib

import keys
from checks import main, same, that
from keys import ALG, KEY, MD5, SSE, b64, md5, trio
from raw import Raw
from server import Server

SECURE = "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection."
NO_ALG = "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm."
NO_KEY = "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key."
SHORT = "The secret key was invalid - too short."
NO_MD5 = "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key."
BAD_MD5 = "The calculated MD5 hash of the key did not match the hash that was provided."
BAD_ALG = "The Encryption request you specified is not valid. Supported value: AES256."
LENGTH = "The secret key was invalid for the specified algorithm."
BOTH = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
PART_SSE = "x-amz-server-side-encryption header is not supported for this operation."
WANTS_KEY = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
NO_USE = "The encryption parameters are not applicable to this object."
WRONG = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
PART_WANTS = "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters."
DIFFERENT = "The provided encryption parameters did not match the ones used originally."
COMPLETE = "The object was stored using a form of Server Side Encryption. Correct SSE-C request parameters are required for this request when specifying checksums for each part."
LIST_PARTS = "To retrieve Part Checksum data requests must include appropriate encryption parameters."
DIGEST = "The Content-MD5 you specified was invalid."
NOT_SIGNED = "There were headers present in the request which were not signed"

ANY = object()  # a field that the behaviour does not fix


class World:
    """The objects and uploads that the rows are about."""

    def __init__(self, server):
        self.raw, self.bucket = Raw(server), "errors"
        self.key, self.other = keys.fresh(), keys.fresh()
        self.done("PUT", "", {})
        self.done("PUT", "/sealed", trio(self.key), b"a sealed body")
        self.done("PUT", "/empty", trio(self.key), b"")
        self.done("PUT", "/plain", {}, b"a plain body")
        self.upload = self.create("/up", trio(self.key))
        self.plain_upload = self.create("/plain-up", {})
        self.summed_upload = self.create("/summed-up", trio(self.key) | {"x-amz-checksum-algorithm": "SHA256"})

    def send(self, method, path, headers=None, body=b"", query=None, **signing):
        """A signed request below the bucket."""
        return self.raw.request(method, f"/{self.bucket}{path}", headers, body, query, **signing)

    def done(self, *request, **more):
        """As `send`, for what must succeed."""
        answer = self.send(*request, **more)
        that(answer.status in (200, 204, 206), f"{request[:2]}: {answer!r}")
        return answer

    def create(self, path, headers):
        """A multipart upload's id."""
        return self.done("POST", path, headers, query={"uploads": ""}).error()["UploadId"]

    def part(self, headers, upload=None, path="/up", body=b"a part", number="1"):
        """UploadPart."""
        return self.send("PUT", path, headers, body, {"partNumber": number, "uploadId": upload or self.upload})

    def operations(self):
        """What writes and what reads with the trio, by name: each takes the headers."""
        return {
            "PutObject": lambda h: self.send("PUT", "/new", h, b"body"),
            "CreateMultipartUpload": lambda h: self.send("POST", "/new", h, query={"uploads": ""}),
            "UploadPart": self.part,
            "GetObject": lambda h: self.send("GET", "/sealed", h),
            "HeadObject": lambda h: self.send("HEAD", "/sealed", h),
        }


WRITES = ("PutObject", "CreateMultipartUpload", "UploadPart")
READS = ("GetObject", "HeadObject")


def refused(answer, status, code, message, argument=None, head=False):
    """Compares a whole refusal. `argument`: the ArgumentValue where one is sent, ANY, or None."""
    same(answer.status, status, f"status of {answer!r}")
    if head:
        same(answer.body, b"", "the body of a HEAD")
        same(answer.headers.get("content-type"), "application/xml", "content-type")
        return
    error = answer.error()
    same(error.get("Code"), code, "Code")
    if message is not ANY:
        same(error.get("Message"), message, "Message")
    that(error.get("RequestId"), "no RequestId")
    that("Resource" not in error or code not in ("InvalidArgument",), "a Resource in an SSE-C error")
    if argument is None:
        that("ArgumentValue" not in error, f"an ArgumentValue nobody asked for: {error.get('ArgumentValue')!r}")
    elif argument is not ANY:
        same(error.get("ArgumentValue"), argument, "ArgumentValue")


def invalid(answer, message, value=None, head=False):
    """An InvalidArgument about SSE-C, which always names the same argument."""
    refused(answer, 400, "InvalidArgument", message, value, head)
    if not head:
        same(answer.error().get("ArgumentName"), SSE, "ArgumentName")


def without(headers, *names):
    """A copy without some names."""
    return {name: value for name, value in headers.items() if name not in names}


def run(lane, given):
    """All rows."""
    with Server(given.bin, plain_http=True) as server:
        world = World(server)
        insecure(lane, server, world)
        for name, send in world.operations().items():
            header_rows(lane, name, send, world)
        lengths(lane, world)
        with_sse(lane, world)
        objects(lane, world)
        uploads(lane, world)
        completes(lane, world)
        signatures(lane, world)
        ignored(lane, world)
        decoding(lane, world)
        with lane.check("no key in the log"):
            log = server.log()
            that(b64(world.key) not in log and world.key.hex() not in log, "the log holds a key")
            that(md5(world.key) not in log, "the log holds a key's MD5")


def insecure(lane, server, world):
    """E1: before everything else, also before the signature and the values are looked at."""
    plain, full = Raw(server, plain=True), trio(world.key)
    upload = {"partNumber": "1", "uploadId": world.upload}
    rows = {
        "PutObject": ("PUT", "/errors/new", full, b"body", None),
        "GetObject": ("GET", "/errors/sealed", full, b"", None),
        "CreateMultipartUpload": ("POST", "/errors/new", full, b"", {"uploads": ""}),
        "UploadPart": ("PUT", "/errors/up", full, b"part", upload),
        "CompleteMultipartUpload": ("POST", "/errors/up", full, b"<x/>", {"uploadId": world.upload}),
        "an invalid algorithm alone": ("PUT", "/errors/new", {ALG: "nonsense"}, b"", None),
        "copy-source headers": ("PUT", "/errors/new", {"x-amz-copy-source-server-side-encryption-customer-key": "x"}, b"", None),
    }
    for name, row in rows.items():
        with lane.check(f"E1 {name}"):
            invalid(plain.request(*row), SECURE)
    with lane.check("E1 before the signature"):
        invalid(plain.request("GET", "/errors/sealed", full, secret="wrong"), SECURE)
    with lane.check("E1 HeadObject"):
        invalid(plain.request("HEAD", "/errors/sealed", full), SECURE, head=True)
    with lane.check("plain requests pass over plain HTTP"):
        same(plain.request("GET", "/errors/plain").body, b"a plain body")


def header_rows(lane, name, send, world):
    """E2 to E8 for one operation."""
    full, head = trio(world.key), name == "HeadObject"
    reads = name in READS
    with lane.check(f"E2 {name} without algorithm"):
        invalid(send(without(full, ALG)), NO_ALG, head=head)
    with lane.check(f"E2 {name} with only a key"):
        invalid(send({KEY: full[KEY]}), NO_ALG, head=head)
    with lane.check(f"E3 {name} without key"):
        invalid(send(without(full, KEY)), NO_KEY, head=head)
    with lane.check(f"E3 {name} with an empty algorithm alone"):
        invalid(send({ALG: ""}), NO_KEY, head=head)
    for value in ("", "a", "ZZ", "####"):
        with lane.check(f"E4 {name} with the key {value!r}"):
            invalid(send(full | {KEY: value}), SHORT, value, head)
    with lane.check(f"E5 {name} with a key that is not ASCII, which no signature fits"):
        refused(send(full | {KEY: "schlüssel"}), 403, "SignatureDoesNotMatch", ANY, head=head)
    with lane.check(f"{'E6r' if reads else 'E6'} {name} without MD5"):
        answer = send(without(full, MD5))
        if reads:
            same(answer.status, 200)
            same(answer.headers.get(MD5.lower()), md5(world.key), "the echoed MD5")
        else:
            invalid(answer, NO_MD5)
    for value in (md5(world.other), "", md5(world.key).rstrip("="), "x"):
        with lane.check(f"E7 {name} with the MD5 {value[:6]!r}..."):
            invalid(send(full | {MD5: value}), BAD_MD5, head=head)
    for value in ("", "aes256", "KMS", "aws:kms", "AES128-INVALID"):
        with lane.check(f"E8 {name} with the algorithm {value!r}"):
            code = "InvalidEncryptionAlgorithmError"
            refused(send(full | {ALG: value}), 400, code, BAD_ALG, value, head)
    with lane.check(f"order {name}: all three invalid is E7"):
        invalid(send({ALG: "x", KEY: b64(b"short"), MD5: "x"}), BAD_MD5, head=head)
    with lane.check(f"order {name}: invalid algorithm with a short key is E8"):
        short = trio(b"short") | {ALG: "x"}
        refused(send(short), 400, "InvalidEncryptionAlgorithmError", BAD_ALG, "x", head)
    with lane.check(f"{name}: a name given twice is refused"):
        twice = list(full.items()) + [(KEY, b64(world.other))]
        same(send(twice).status // 100, 4, "status class")


def lengths(lane, world):
    """E9 and its twins: a key that is not 32 bytes, with the right MD5."""
    operations = world.operations()
    for size in (16, 31, 33):
        wrong = trio((world.key * 2)[:size])
        for name in ("PutObject", "CreateMultipartUpload"):
            with lane.check(f"E9 {name} with {size} bytes"):
                invalid(operations[name](wrong), LENGTH)
        with lane.check(f"E9p UploadPart with {size} bytes"):
            refused(world.part(wrong), 400, "InvalidRequest", DIFFERENT)
        for name in READS:
            with lane.check(f"E9g {name} with {size} bytes"):
                refused(operations[name](wrong), 403, "AccessDenied", WRONG, head=name == "HeadObject")


def with_sse(lane, world):
    """E10, E10p, E20: a second kind of encryption named beside the key, or where none can be."""
    operations = world.operations()
    for value in ("AES256", "aws:kms"):
        for name in ("PutObject", "CreateMultipartUpload"):
            with lane.check(f"E10 {name} with {value}"):
                invalid(operations[name](trio(world.key) | {SSE: value}), BOTH, value)
    for headers in (trio(world.key), {}):
        with lane.check(f"E10p UploadPart with {len(headers)} key headers"):
            invalid(world.part(headers | {SSE: "AES256"}), PART_SSE, "AES256")
    for name in READS:
        with lane.check(f"E20 {name}"):
            headers = trio(world.key) | {SSE: "AES256"}
            refused(operations[name](headers), 400, "InvalidArgument", ANY, ANY, head=name == "HeadObject")


def objects(lane, world):
    """E11, E12, E13, with the order on reads: existence, key, and only then conditions and ranges."""
    full, wrong = trio(world.key), trio(world.other)
    for method in ("GET", "HEAD"):
        head = method == "HEAD"
        with lane.check(f"E11 {method} without key"):
            refused(world.send(method, "/sealed"), 400, "InvalidRequest", WANTS_KEY, head=head)
        with lane.check(f"E11 {method} of an empty object without key"):
            refused(world.send(method, "/empty"), 400, "InvalidRequest", WANTS_KEY, head=head)
        with lane.check(f"E12 {method} of a plain object with key"):
            refused(world.send(method, "/plain", full), 400, "InvalidRequest", NO_USE, head=head)
        for path in ("/sealed", "/empty"):
            with lane.check(f"E13 {method} {path} with the wrong key"):
                refused(world.send(method, path, wrong), 403, "AccessDenied", WRONG, head=head)
        for header in ({"Range": "bytes=900-"}, {"If-Match": '"x"'}, {"If-None-Match": "*"}):
            with lane.check(f"E13 {method} comes before {next(iter(header))}"):
                same(world.send(method, "/sealed", wrong | header).status, 403)
        with lane.check(f"{method} of nothing with a key is 404"):
            same(world.send(method, "/nothing", full).status, 404)
    with lane.check("a refused write stores nothing"):
        same(world.send("HEAD", "/new", full).status, 404)


def uploads(lane, world):
    """E14, E15 on parts, E17 on listings."""
    with lane.check("E14 no key on a sealed upload"):
        refused(world.part({}), 400, "InvalidRequest", PART_WANTS)
    with lane.check("E14 a key on a plain upload"):
        answer = world.part(trio(world.key), world.plain_upload, "/plain-up")
        refused(answer, 400, "InvalidRequest", PART_WANTS)
    with lane.check("E15 another key than at the beginning"):
        refused(world.part(trio(world.other)), 400, "InvalidRequest", DIFFERENT)
    with lane.check("ListParts needs no key"):
        same(world.send("GET", "/up", query={"uploadId": world.upload}).status, 200)
    query = {"uploadId": world.summed_upload}
    with lane.check("E17 ListParts with checksums and without key"):
        refused(world.send("GET", "/summed-up", query=query), 400, "InvalidRequest", LIST_PARTS)
    with lane.check("E15 ListParts with checksums and the wrong key"):
        answer = world.send("GET", "/summed-up", trio(world.other), query=query)
        refused(answer, 400, "InvalidRequest", DIFFERENT)
    with lane.check("ListParts with checksums and the key"):
        same(world.send("GET", "/summed-up", trio(world.key), query=query).status, 200)


def completes(lane, world):
    """E16, E22, and the completes that must succeed although something of the trio is missing."""
    def begun(headers):
        path = "/done"
        upload = world.create(path, headers)
        etag = world.part(headers, upload, path).headers["etag"]
        return path, upload, document([(1, etag)])

    def complete(headers, begin=None, body=None):
        path, upload, good = begin or begun(trio(world.key))
        return world.send("POST", path, headers, body or good, {"uploadId": upload})

    with lane.check("E16 the wrong key"):
        refused(complete(trio(world.other)), 400, "InvalidRequest", COMPLETE)
    with lane.check("E16 a key of the wrong length"):
        refused(complete(trio(world.key[:16])), 400, "InvalidRequest", COMPLETE)
    with lane.check("E16 a key for a plain upload"):
        refused(complete(trio(world.key), begun({})), 400, "InvalidRequest", COMPLETE)
    with lane.check("E22 part number 0, before the key is looked at"):
        path, upload, _ = begun(trio(world.key))
        answer = complete(trio(world.key) | {MD5: "x"}, (path, upload, b""), document([(0, '"x"')]))
        refused(answer, 400, "InvalidArgument", "PartNumber must be >= 1", "0")
        same(answer.error().get("ArgumentName"), "PartNumber")
    with lane.check("E7 with all three headers"):
        invalid(complete(trio(world.key) | {MD5: md5(world.other)}), BAD_MD5)
    for name, headers in {
        "without key": {}, "with a bad algorithm alone": {ALG: "nonsense"},
        "with a key but no MD5": without(trio(world.key), MD5), "with an empty key alone": {KEY: ""},
    }.items():
        with lane.check(f"complete {name} succeeds"):
            answer = complete(headers)
            same(answer.status, 200, repr(answer))
            same(answer.headers.get(ALG), "AES256", "the echoed algorithm")
            that(MD5.lower() not in answer.headers, "an MD5 was echoed")
            same(world.send("GET", "/done", trio(world.key)).body, b"a part")
    with lane.check("complete with the key echoes both"):
        answer = complete(trio(world.key))
        same((answer.status, answer.headers.get(MD5.lower())), (200, md5(world.key)))


def document(parts):
    """A CompleteMultipartUpload document."""
    rows = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>" for n, e in parts)
    return f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()


def signatures(lane, world):
    """E19 and E21, and a non-ASCII key in a header."""
    full = trio(world.key)
    with lane.check("E19 an unsigned algorithm on a presigned URL"):
        target = world.raw.presigned("GET", "/errors/sealed")
        answer = world.raw.send("GET", target, [("Host", world.raw.host), *full.items()])
        refused(answer, 403, "AccessDenied", NOT_SIGNED)
        listed = answer.error().get("HeadersNotSigned", "")
        that(ALG in listed, f"HeadersNotSigned is {listed!r}")
    with lane.check("a presigned URL that covers the algorithm takes the key unsigned"):
        target = world.raw.presigned("GET", "/errors/sealed", {ALG: "AES256"})
        answer = world.raw.send("GET", target, [("Host", world.raw.host), *full.items()])
        same((answer.status, answer.body), (200, b"a sealed body"))
    with lane.check("E19 unsigned key headers in a signed request"):
        unsigned = {ALG.lower(), KEY.lower(), MD5.lower()}
        answer = world.send("GET", "/sealed", full, unsigned=unsigned)
        refused(answer, 403, "AccessDenied", NOT_SIGNED)
    with lane.check("an SSE-C name in header and query both is refused"):
        target = world.raw.presigned("GET", "/errors/sealed", {ALG: "AES256"}, {ALG: "AES256"})
        answer = world.raw.send("GET", target, [("Host", world.raw.host), *full.items()])
        same(answer.status // 100, 4, repr(answer))
    for value in ("not base64!", b64(b"five5")):
        with lane.check(f"E21 Content-MD5 {value!r} before the key is looked at"):
            answer = world.send("PUT", "/new", full | {MD5: "x", "Content-MD5": value}, b"body")
            refused(answer, 400, "InvalidDigest", DIGEST, ANY)
            same(answer.error().get("Content-MD5"), value, "Content-MD5")
    with lane.check("a Content-MD5 of another body is BadDigest and stores nothing"):
        answer = world.send("PUT", "/new", full | {"Content-MD5": md5(b"another")}, b"body")
        same((answer.status, answer.code), (400, "BadDigest"))
        same(world.send("HEAD", "/new", full).status, 404)
    with lane.check("a signature that does not match shows no key"):
        answer = world.send("GET", "/sealed", full, secret="wrong")
        refused(answer, 403, "SignatureDoesNotMatch", ANY, ANY)
        text = answer.body.decode(errors="replace")
        hidden = [b64(world.key), b64(world.key).encode().hex(), " ".join(f"{c:02x}" for c in b64(world.key).encode())]
        that(not any(form in text for form in hidden), "the refusal shows the key")


def ignored(lane, world):
    """Operations on which the key headers mean nothing."""
    full = trio(world.key)
    with lane.check("key headers on listings are ignored"):
        same(world.send("GET", "", full, query={"list-type": "2"}).status, 200)
    with lane.check("key headers on a delete are ignored"):
        world.done("PUT", "/gone", full, b"x")
        same(world.send("DELETE", "/gone", trio(world.other)).status, 204)
        same(world.send("HEAD", "/gone", full).status, 404)
    with lane.check("an abort needs no key"):
        upload = world.create("/aborted", full)
        same(world.send("DELETE", "/aborted", query={"uploadId": upload}).status, 204)


def decoding(lane, world):
    """How AWS decodes a key: lenient about what stands between the characters, exact about the rest."""
    text = b64(world.key)
    for name, value in {
        "with spaces inside": text[:10] + " " + text[10:], "with signs inside": text[:5] + "!#" + text[5:],
        "with surplus padding": text + "===",
    }.items():
        with lane.check(f"a key {name} is accepted"):
            headers = trio(world.key) | {KEY: value}
            same(world.send("GET", "/sealed", headers).status, 200)
    dashed = b"\xfb\xff" * 16
    for name, headers in {
        "without padding": trio(world.key) | {KEY: text.rstrip("=")},
        "with a whole group of padding": trio(world.key) | {KEY: text + "===="},
        "in the url-safe alphabet": trio(dashed) | {KEY: base64.urlsafe_b64encode(dashed).decode()},
    }.items():
        with lane.check(f"E7 a key {name}"):
            invalid(world.send("PUT", "/new", headers, b"x"), BAD_MD5)
    vector = hashlib.sha256(b"reverse_s3_ssec_default_key").digest()
    with lane.check("the published vector's key and MD5 agree"):
        same((b64(vector), md5(vector)), ("K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo=", "I0aPuXuw4REDJuP1fw07QQ=="))
        same(world.send("PUT", "/vector", trio(vector), b"x").headers.get(MD5.lower()), md5(vector))


if __name__ == "__main__":
    main("errors", run)
