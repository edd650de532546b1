"""Signed requests over one connection that stays open, to a server that somebody else started.

An answer is read to its end; where there is none, an `OSError` or `HTTPException` says so, and the connection is over.
Does not: ask again.
"""
import http.client
import ssl
import time
import urllib.parse

from raw import Answer, Raw

IDLE_SECONDS_MAX = 10  # a kept connection that the server may have closed is not used again


class Endpoint:
    """A server by its URL; what `Raw` wants to know of one."""

    def __init__(self, url, ca, access, secret):
        place = urllib.parse.urlsplit(url)
        self.host, self.port, self.ca, self.pair = place.hostname, place.port, ca, (access, secret)

    def credentials(self):
        """The access key and secret key."""
        return self.pair

    def tls(self, check_hostname=True):
        """A TLS context that trusts the CA."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.check_hostname = check_hostname
        return context


class Kept(Raw):
    """Signed requests over one kept connection."""

    def __init__(self, endpoint, timeout):
        super().__init__(endpoint)
        self.timeout, self.context, self.kept, self.used = timeout, endpoint.tls(), None, 0

    @property
    def host(self):
        return f"{self.server.host}:{self.server.port}"

    def send(self, method, target, headers, body=b""):
        """Sends and reads to the end; an `OSError` or `HTTPException` means that nobody knows."""
        if self.kept and time.monotonic() - self.used > IDLE_SECONDS_MAX:
            self.drop()
        self.kept = self.kept or http.client.HTTPSConnection(self.server.host, self.server.port, timeout=self.timeout,
                                                             context=self.context)
        try:
            self.kept.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in [*headers, ("Content-Length", str(len(body)))]:
                self.kept.putheader(name, value)
            self.kept.endheaders()
            # A refusal may come before the body was taken; the answer counts, and then the connection is over.
            if body:
                self.kept.send(body)
            answer = Answer(self.kept.getresponse())
        except BaseException:
            self.drop()
            raise
        self.used = time.monotonic()
        if answer.broken or answer.headers.get("connection", "").lower() == "close":
            self.drop()
        return answer

    def drop(self):
        """Closes the connection."""
        if self.kept:
            self.kept.close()
        self.kept = None
