"""A client that sends exactly what a check wants, well or badly formed, and signs it as AWS describes.

SigV4 stands here once more on purpose: the SDKs' signers cannot leave a header unsigned, send a bad
chunk, or stop halfway. The SDK lanes show that the server agrees with theirs.
"""
import datetime
import hashlib
import hmac
import http.client
import re
import socket
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

from checks import same
from server import REGION

UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class Answer:
    """A response, read to its end. `broken`: the connection ended before the body did."""

    def __init__(self, response):
        self.status, self.headers = response.status, {k.lower(): v for k, v in response.getheaders()}
        self.broken = False
        try:
            self.body = response.read()
        except http.client.IncompleteRead as cut:
            self.body, self.broken = cut.partial, True
        except OSError:
            self.body, self.broken = b"", True

    def error(self):
        """The fields of an error document (or of any flat answer); empty where there is none."""
        try:
            tree = ElementTree.fromstring(self.body)
        except ElementTree.ParseError:
            return {}
        return {child.tag.rpartition("}")[2]: child.text or "" for child in tree}

    @property
    def code(self):
        """The S3 error code."""
        return self.error().get("Code")

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Raw:
    """Signed requests over one server's HTTPS (or plain HTTP) listener, a connection for each."""

    def __init__(self, server, plain=False):
        self.server, self.plain = server, plain
        self.access, self.secret = server.credentials()

    def connect(self):
        """A new connection."""
        if self.plain:
            return http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=60)
        tls = self.server.tls(check_hostname=False)  # the Host header may be that of a bucket
        return http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=60, context=tls)

    def copied(self, connection, path, headers):
        """Sends a signed PUT without a body on an open connection; seconds until its 200 was read whole."""
        target, sent = self.signed("PUT", path, headers)
        begun = time.monotonic()
        connection.putrequest("PUT", target, skip_host=True, skip_accept_encoding=True)
        for name, value in [*sent, ("Content-Length", "0")]:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        took = time.monotonic() - begun
        same(answer.status, 200, repr(body))
        return took

    @property
    def host(self):
        """The Host that is signed."""
        return f"127.0.0.1:{self.server.http_port if self.plain else self.server.port}"

    def request(self, method, path, headers=None, body=b"", query=None, **signing):
        """Signs, sends, reads. `headers` is a dict or a list of pairs (a list may repeat a name)."""
        target, sent = self.signed(method, path, headers, body, query, **signing)
        return self.send(method, target, sent, body)

    def send(self, method, target, headers, body=b""):
        """Sends as given; a Content-Length is added unless there is one or a Transfer-Encoding."""
        connection = self.connect()
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            names = {name.lower() for name, _ in headers}
            for name, value in headers:
                connection.putheader(name, value.encode("utf-8") if isinstance(value, str) else value)
            if not names & {"content-length", "transfer-encoding"} and (body or method in ("PUT", "POST")):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            try:
                connection.send(body)
            except OSError:
                pass  # an early refusal may close while the body is on its way; the answer says why
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def signed(self, method, path, headers=None, body=b"", query=None, *, payload=None, unsigned=(),
               when=None, host=None, access=None, secret=None):
        """The target and the header list of a request signed in its Authorization header.

        `unsigned`: lower-case names that are sent but not covered. `payload`: the
        x-amz-content-sha256 to declare instead of the body's digest.
        """
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        stamp = (when or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
        digest = payload or hashlib.sha256(body).hexdigest()
        pairs += [("Host", host or self.host), ("x-amz-date", stamp), ("x-amz-content-sha256", digest)]
        covered = [(n, v) for n, v in pairs if n.lower() not in unsigned and n.lower() not in NEVER_SIGNED]
        names, block = canonical_headers(covered)
        line = canonical_query(query)
        text = "\n".join([method, quote(path), line, block, names, digest])
        scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
        self.signing_key = derive(secret or self.secret, stamp[:8])
        self.stamp, self.scope = stamp, scope
        self.seed = sign(self.signing_key, stamp, scope, text)
        credential = f"{access or self.access}/{scope}"
        pairs.append(("Authorization", "AWS4-HMAC-SHA256 "
                      f"Credential={credential}, SignedHeaders={names}, Signature={self.seed}"))
        return quote(path) + ("?" + line if line else ""), pairs

    def presigned(self, method, path, headers=None, query=None, expires=600, when=None):
        """The target of a presigned URL that covers Host and `headers`."""
        stamp = (when or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
        names, block = canonical_headers(list((headers or {}).items()) + [("Host", self.host)])
        line = canonical_query({
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{self.access}/{scope}",
            "X-Amz-Date": stamp, "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": names} | (query or {}))
        text = "\n".join([method, quote(path), line, block, names, UNSIGNED])
        signature = sign(derive(self.secret, stamp[:8]), stamp, scope, text)
        return f"{quote(path)}?{line}&X-Amz-Signature={signature}"

    def chunked(self, path, chunks, headers=None, *, mode="signed", trailer=None, decoded=None, spoil=None):
        """The target, headers and body of an aws-chunked PUT.

        `mode`: signed, signed-trailer or unsigned-trailer. `trailer`: (name, value). `decoded`: a
        false x-amz-decoded-content-length. `spoil(index, signature)` may change a chunk's signature.
        """
        payload = {"signed": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                   "signed-trailer": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                   "unsigned-trailer": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}[mode]
        length = sum(map(len, chunks)) if decoded is None else decoded
        own = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(length)}
        own |= {"x-amz-trailer": trailer[0]} if trailer else {}
        target, sent = self.signed("PUT", path, (headers or {}) | own, payload=payload)
        return target, sent, self.chunk_body(chunks, mode, trailer, spoil)

    def chunk_body(self, chunks, mode, trailer, spoil):
        """The aws-chunked body that follows the seed signature of the last `signed`."""
        previous, body = self.seed, b""
        for index, chunk in enumerate(list(chunks) + [b""]):
            extension = ""
            if mode != "unsigned-trailer":
                text = "\n".join([previous, EMPTY_SHA256, hashlib.sha256(chunk).hexdigest()])
                previous = self.chunk_signature("AWS4-HMAC-SHA256-PAYLOAD", text)
                extension = f";chunk-signature={spoil(index, previous) if spoil else previous}"
            body += f"{len(chunk):x}{extension}\r\n".encode() + chunk + (b"\r\n" if chunk else b"")
        if trailer:
            line = f"{trailer[0]}:{trailer[1]}"
            body += line.encode() + b"\r\n"
            if mode == "signed-trailer":
                text = "\n".join([previous, hashlib.sha256(line.encode() + b"\n").hexdigest()])
                last = self.chunk_signature("AWS4-HMAC-SHA256-TRAILER", text)
                body += f"x-amz-trailer-signature:{spoil('trailer', last) if spoil else last}\r\n".encode()
        return body + b"\r\n"

    def chunk_signature(self, name, text):
        """The signature of one chunk, or of the trailer."""
        return mac(self.signing_key, "\n".join([name, self.stamp, self.scope, text])).hex()

    def half(self, method, target, headers, body):
        """Sends the head and `body`, which is less than was announced, and goes away."""
        connection = self.connect()
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body)
        connection.sock.close()
        connection.close()

    def bytes(self, data, seconds=10):
        """Sends bytes as they are and reads until the server closes or `seconds` of silence."""
        plain = socket.create_connection(("127.0.0.1", self.server.port), timeout=seconds)
        with self.server.tls(check_hostname=False).wrap_socket(plain) as stream:
            stream.sendall(data)
            answer = b""
            try:
                while part := stream.recv(65536):
                    answer += part
            except OSError:
                pass
            return answer


# A client or proxy between may change these, so no signer covers them.
NEVER_SIGNED = {"content-length", "transfer-encoding", "connection", "expect", "user-agent"}


def quote(path):
    """A path as S3 signs it: each byte but the unreserved ones and `/` escaped, once."""
    return urllib.parse.quote(path, safe="/-_.~")


def canonical_query(query):
    """The query string, sorted and escaped as S3 signs it."""
    pairs = sorted((urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
                   for k, v in (query or {}).items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def canonical_headers(pairs):
    """The list of signed names and the block of signed headers."""
    merged = {}
    for name, value in pairs:
        merged.setdefault(name.lower(), []).append(re.sub(" +", " ", value.strip(" ")))
    names = ";".join(sorted(merged))
    return names, "".join(f"{name}:{','.join(merged[name])}\n" for name in sorted(merged))


def mac(key, text):
    """HMAC-SHA256."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def derive(secret, day):
    """The signing key of a day."""
    return mac(mac(mac(mac(("AWS4" + secret).encode(), day), REGION), "s3"), "aws4_request")


def sign(key, stamp, scope, text):
    """The signature over a canonical request."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return mac(key, "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])).hex()
