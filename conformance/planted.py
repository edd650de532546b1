"""An HTTPS proxy before a real server that breaks S3's consistency, to see that somebody notices.

It answers with the server's own certificate and hands on every byte of the heads, so signatures stay good. The faults
are those that caches, lagging replicas and early acknowledgements make. `planted` tells whether the fault was.
"""
import http.client
import http.server
import os
import ssl
import threading
import time
import urllib.parse

from server import free_port

LOST_EVERY = 20
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
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
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

    def __init__(self, listing=False):
        self.listing, self.planted, self.lock, self.seen = listing, False, threading.Lock(), {}

    def answer(self, request, forward):
        """The server's answer, or the old one."""
        path, _, query = request.path.partition("?")
        is_list = "list-type" in urllib.parse.parse_qs(query)
        if request.command != "GET" or is_list != self.listing:
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
            return 200, [("ETag", f'"{os.urandom(16).hex()}"')], b""
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
