"""Faults that leave a request out, or send another one in its place, signed anew: what servers do that forget to look.

As those of `planted.py`, before a real server and behind its own certificate.
"""
from planted import LOST_EVERY, OWN, header_of, query_of
from raw import UNSIGNED, Raw

SIGNING = OWN | {"authorization", "host", "x-amz-date", "x-amz-content-sha256"}
COPY_SOURCE, SOURCE_VERSION = "x-amz-copy-source", "x-amz-copy-source-version-id"


class Resent:
    """A fault that signs for itself."""

    def __init__(self, server):
        self.raw, self.planted = Raw(server), False

    def send(self, request, without=(), changed=None):
        """The same request without some headers, and with others."""
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() not in SIGNING}
        headers = {name: value for name, value in headers.items() if name not in without} | (changed or {})
        answer = self.raw.request(request.command, request.path.partition("?")[0], headers, request.body, query_of(request),
                                  payload=UNSIGNED if request.body else None)
        return answer.status, [(name, value) for name, value in answer.headers.items() if name not in OWN], answer.body


class Unconditional(Resent):
    """A condition of requests of one method is not asked."""

    def __init__(self, server, method, condition):
        super().__init__(server)
        self.method, self.condition = method, condition

    def answer(self, request, forward):
        """The server's answer, to a request without the condition."""
        if request.command != self.method or self.condition not in request.headers:
            return forward()
        self.planted = True
        return self.send(request, without={self.condition})


class NewestCopied(Resent):
    """Of a copy's source the version is not read."""

    def answer(self, request, forward):
        """The server's answer, to a request without it, and as if it had been read."""
        source, _, version = request.headers.get(COPY_SOURCE, "").partition("?versionId=")
        if not version:
            return forward()
        self.planted = True
        status, headers, content = self.send(request, changed={COPY_SOURCE: source})
        return status, [*((name, value) for name, value in headers if name != SOURCE_VERSION), (SOURCE_VERSION, version)], content


class LostMarker(Resent):
    """A delete while versioning is suspended takes the null version away, and leaves no marker."""

    def answer(self, request, forward):
        """The server's answer, and a deletion of the marker."""
        answer = forward()
        is_delete = request.command == "DELETE" and "?" not in request.path
        if is_delete and answer[0] == 204 and header_of(answer, "x-amz-version-id") == "null":
            self.planted |= self.raw.request("DELETE", request.path, query={"versionId": "null"}).status == 204
        return answer


class LostSwitch:
    """Versioning is said to be suspended, and stays enabled."""
    planted = False

    def answer(self, request, forward):
        """The server's answer, or a lie."""
        if request.command != "PUT" or "versioning" not in query_of(request) or b"Suspended" not in request.body:
            return forward()
        self.planted = True
        return 200, [], b""


class LostAbort:
    """An abort is acknowledged, and the upload goes on."""
    planted = False

    def answer(self, request, forward):
        """The server's answer, or a lie."""
        if request.command != "DELETE" or "uploadId" not in query_of(request):
            return forward()
        self.planted = True
        return 204, [], b""


class RememberedComplete:
    """A Complete is answered as the first of its upload for ever, also when something else is there."""

    def __init__(self):
        self.planted, self.first = False, {}

    def answer(self, request, forward):
        """The server's answer, or the first one."""
        upload = query_of(request).get("uploadId")
        if request.command != "POST" or not upload:
            return forward()
        if upload in self.first:
            self.planted = True
            return self.first[upload]
        answer = forward()
        if answer[0] == 200:
            self.first[upload] = answer
        return answer


class LostAnswers:
    """No fault: now and then nobody is there to answer, sometimes after the request was done."""

    def __init__(self):
        self.planted, self.requests = False, 0

    def answer(self, request, forward):
        """The server's answer, or a 503. Buckets are made, and switched, undisturbed."""
        self.requests += 1
        if self.requests % LOST_EVERY or (request.command == "PUT" and request.path.count("/") == 1):
            return forward()
        self.planted = True
        if self.requests % (2 * LOST_EVERY):
            forward()
        return 503, [], b"<Error><Code>ServiceUnavailable</Code></Error>"
