"""An HTTPS proxy before a real server that breaks S3's consistency, to see that somebody notices.

It answers with the server's own certificate and hands on every byte of the heads, so signatures stay good. The faults
are those that caches, lagging replicas and early acknowledgements make. `planted` tells whether the fault was.
"""
import http.client
import http.server
import os
import re
import ssl
import threading
import time
import urllib.parse

from raw import Raw
from server import free_port

LOST_EVERY = 20
STALE_SECONDS = 2.0  # how long what was deleted may still be answered
SETTLED_SECONDS = 0.5  # what was answered so long ago has surely been received
# Hop by hop: the proxy's own business.
OWN = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Proxy:
    """The proxy, in threads of this process. Use as a context manager; `fault(request, forward)` answers."""

    def __init__(self, server, fault):
        self.server, self.fault, self.port = server, fault, free_port()
        self.upstream, self.lock = threading.local(), threading.Lock()

    def __enter__(self):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One connection of a client."""
            protocol_version = "HTTP/1.1"

            def answer(self):
                """Any method."""
                body = self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, headers, content = proxy.fault.answer(self, lambda: proxy.forward(self, body))
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                if self.command == "HEAD":
                    length = dict((name.lower(), value) for name, value in headers).get("content-length", "0")
                else:
                    length = str(len(content))
                if "content-length" not in {name.lower() for name, _ in headers}:
                    self.send_header("Content-Length", length)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                """Says nothing."""

        class Listener(http.server.ThreadingHTTPServer):
            """Quiet about clients that go away."""
            daemon_threads = True

            def handle_error(self, *_):
                """Says nothing."""

        self.listener = Listener(("127.0.0.1", self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.data / "tls" / "cert.pem", self.server.data / "tls" / "key.pem")
        self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True)
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()

    def forward(self, request, body):
        """The server's own answer: status, headers, body."""
        if not hasattr(self.upstream, "connection"):
            self.upstream.connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=60,
                                                                   context=self.server.tls())
        connection = self.upstream.connection
        connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        headers = [(name, value) for name, value in answer.getheaders()
                   if name.lower() not in OWN or (request.command == "HEAD" and name.lower() == "content-length")]
        return answer.status, headers, content

    @property
    def endpoint(self):
        """The URL that clients use."""
        return f"https://127.0.0.1:{self.port}"


class Nothing:
    """No fault: the proxy itself breaks nothing."""
    planted = True

    def answer(self, _request, forward):
        """The server's answer."""
        return forward()


class StaleRead:
    """Now and then a GET or a listing is answered as it was before, though a newer answer has been given out since.

    Again and again: one old answer alone may say what is true by chance, such as that a name is not there.
    """

    def __init__(self, what="object"):
        self.what, self.planted, self.lock, self.seen = what, False, threading.Lock(), {}

    def answer(self, request, forward):
        """The server's answer, or the old one."""
        if request.command != "GET" or read_of(request) != self.what:
            return forward()
        key = (request.path, request.headers.get("x-amz-server-side-encryption-customer-key-MD5"))
        with self.lock:
            seen = self.seen.setdefault(key, [])
            if len(seen) > 1 and time.monotonic() - seen[1][0] > SETTLED_SECONDS:
                self.planted = True
                old = seen[0][1]
                seen.clear()
                return old
        answer = forward()
        if answer[0] == 200:
            with self.lock:
                if len(seen) < 2 and (not seen or seen[0][1][2] != answer[2]):
                    seen.append((time.monotonic(), answer))
        return answer


def query_of(request):
    """The parameters of a request."""
    return dict(urllib.parse.parse_qsl(request.path.partition("?")[2], keep_blank_values=True))


def read_of(request):
    """What a GET reads: an object, a version of one, a list of names or of versions."""
    query = query_of(request)
    lists = {"list-type": "names", "versions": "versions", "versionId": "version"}
    return next((what for name, what in lists.items() if name in query), "object")


class LostWrite:
    """Now and then a PUT of an object is acknowledged and never made: one alone may be overwritten unseen."""

    def __init__(self):
        self.planted, self.puts = False, 0

    def answer(self, request, forward):
        """The server's answer, or a lie."""
        headers = {name.lower() for name in request.headers}
        is_put = request.command == "PUT" and "?" not in request.path and "x-amz-copy-source" not in headers
        self.puts += is_put
        if is_put and self.puts % LOST_EVERY == 0 and not headers & {"if-match", "if-none-match"}:
            self.planted = True
            return 200, [("ETag", f'"{os.urandom(16).hex()}"'), ("x-amz-version-id", os.urandom(16).hex())], b""
        return forward()


class TornBody:
    """Once, the end of a body is that of another."""
    planted = False

    def answer(self, request, forward):
        """The server's answer, or one with some bytes changed."""
        status, headers, content = forward()
        if request.command == "GET" and "?" not in request.path and status == 200 and len(content) > 5_000 and not self.planted:
            self.planted = True
            content = content[:-100] + bytes(100)
        return status, headers, content


class LostDeletes:
    """DeleteObjects says of every key that it was deleted, and deletes nothing."""
    planted = False

    def answer(self, request, forward):
        """The server's answer, or the lie that its document asks for."""
        if request.command != "POST" or "delete" not in query_of(request):
            return forward()
        rows = re.findall(r"<Object>(<Key>.*?</Key>)(<VersionId>.*?</VersionId>)?", request.body.decode())
        if any(re.search("[^0-9a-f]", version[11:-12]) for _key, version in rows):
            return forward()  # an id that is none goes on being refused
        self.planted = True
        marker = "<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{}</DeleteMarkerVersionId>"
        told = "".join(f"<Deleted>{key}{version or marker.format(os.urandom(16).hex())}</Deleted>" for key, version in rows)
        return 200, [], f"<DeleteResult>{told}</DeleteResult>".encode()


class LostVersion:
    """Now and then a PUT takes the version away that it should have hidden."""

    def __init__(self, server):
        self.raw, self.planted, self.puts, self.newest = Raw(server), False, 0, {}

    def answer(self, request, forward):
        """The server's answer, and a deletion that nobody asked for."""
        answer = forward()
        version = header_of(answer, "x-amz-version-id")
        if request.command != "PUT" or answer[0] != 200 or not version:
            return answer
        path, self.puts = request.path.partition("?")[0], self.puts + 1
        before = self.newest.get(path)
        self.newest[path] = version
        if before and self.puts % LOST_EVERY == 0:
            self.planted |= self.raw.request("DELETE", path, query={"versionId": before}).status == 204
        return answer


class WrongLatest:
    """After the newest version was deleted by its id, a read still finds it there, for a while."""

    def __init__(self):
        self.planted, self.lock, self.newest, self.deleted = False, threading.Lock(), {}, {}

    def answer(self, request, forward):
        """The server's answer, or the one that was right before."""
        path, query = request.path.partition("?")[0], query_of(request)
        key = (path, request.headers.get("x-amz-server-side-encryption-customer-key-MD5"))
        if request.command == "GET" and read_of(request) == "object":
            with self.lock:
                old = self.newest.get(key)
                # Counted from the deletion, since a slow machine may read seldom.
                deleted = self.deleted.get(header_of(old, "x-amz-version-id")) if old else None
                if deleted and time.monotonic() - deleted < STALE_SECONDS:
                    self.planted = True
                    return old
        answer = forward()
        with self.lock:
            if request.command == "DELETE" and "versionId" in query and answer[0] == 204:
                self.deleted[query["versionId"]] = time.monotonic()
            elif request.command == "GET" and read_of(request) == "object" and answer[0] == 200:
                self.newest[key] = answer
        return answer


class CrossedVersions:
    """Now and then a list of versions has two of one key in the wrong order."""

    def __init__(self):
        self.planted, self.lists = False, 0

    def answer(self, request, forward):
        """The server's answer, or one with the ids of two versions exchanged."""
        status, headers, content = forward()
        self.lists += request.command == "GET" and read_of(request) == "versions"
        pair = re.compile(rb"(<Key>([^<]*)</Key><VersionId>)([^<]*)(</VersionId>(?:(?!<Key>).)*<Key>\2</Key><VersionId>)([^<]*)", re.S)
        if request.command == "GET" and read_of(request) == "versions" and self.lists % LOST_EVERY == 0 and pair.search(content):
            self.planted = True
            content = pair.sub(rb"\1\5\4\3", content, count=1)
        return status, headers, content


class Unavailable:
    """Now and then nobody is there to answer."""

    def __init__(self):
        self.planted, self.requests = False, 0

    def answer(self, _request, forward):
        """The server's answer, or a 503."""
        self.requests += 1
        if self.requests % LOST_EVERY:
            return forward()
        self.planted = True
        return 503, [], b"<Error><Code>ServiceUnavailable</Code></Error>"


def header_of(answer, name):
    """A header of an answer."""
    return dict((header.lower(), value) for header, value in answer[1]).get(name)
