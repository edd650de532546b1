"""What clients write, what they say with it, and how the answers' documents are read.

Every write has a number of its own, in the object's metadata and in its body, and one of three holders: two customer
keys and the server's own. Does not: ask; `clients.py` does.
"""
import hashlib
import xml.etree.ElementTree as ElementTree

HOLDERS = {"a": hashlib.sha256(b"holder a").digest(), "b": hashlib.sha256(b"holder b").digest(), "server": None}
# On both sides of what lives in the catalog and what in blobs.
SIZES = (0, 300, 5_000, 40_000, 300_000)
PART = 5 << 20
NUMBER = "x-amz-meta-number"


class Row:
    """A row of DeleteObjects: a key, perhaps the ETag that it must have, perhaps a version."""

    def __init__(self, name, etag=None, version=None):
        self.name, self.etag, self.version = name, etag, version

    def element(self):
        """As the document has it."""
        fields = [("Key", self.name), ("VersionId", self.version), ("ETag", self.etag)]
        return "<Object>" + "".join(f"<{field}>{text}</{field}>" for field, text in fields if text is not None) + "</Object>"


class Upload:
    """A multipart upload whose parts are there."""

    def __init__(self, number, upload, etags):
        self.number, self.id = number, upload
        rows = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>" for n, e in enumerate(etags, 1))
        self.document = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()


class Condition:
    """What a write asks of what is there: the header, the guard, and that of a 412."""

    def __init__(self, headers, holds, fails, told):
        self.headers, self.holds, self.fails, self.told = headers, holds, fails, told

    def meanings(self, answer):
        """The guard of each refusal. That nothing is there is told apart from an upload that is gone."""
        failed = {412: self.fails} if self.fails else {}
        return failed | ({404: absent} if answer.code == "NoSuchKey" and "If-Match" in self.headers else {})


def absent(state):
    """Nothing is there."""
    return state is None


def present(state):
    """Something is there."""
    return state is not None


def row_outcomes(body):
    """{(key, version or None): fields} of an answer to DeleteObjects; what failed has a `Code`."""
    found = {}
    for child in ElementTree.fromstring(body):
        fields = {field.tag.rpartition("}")[2]: field.text or "" for field in child}
        found[fields.get("Key"), fields.get("VersionId")] = fields
    return found


def page(body):
    """({key: ETag}, continuation token or None) of a page."""
    tree, found, token = ElementTree.fromstring(body), {}, None
    for child in tree:
        tag = child.tag.rpartition("}")[2]
        if tag == "Contents":
            fields = {field.tag.rpartition("}")[2]: field.text for field in child}
            found[fields["Key"]] = fields["ETag"]
        elif tag == "NextContinuationToken":
            token = child.text
    return found, token


def body_of(number):
    """The bytes of a write: its number, and what follows from it. Nothing is shorter than its number."""
    size = SIZES[number % len(SIZES)]
    if number % 97 == 0:
        size = PART + 70_000  # two parts, where it is an upload
    head = number.to_bytes(16, "big")
    return head + hashlib.shake_128(head).digest(size)


def content_in(body):
    """The number that a body begins with."""
    return int.from_bytes(body[:16], "big") if len(body) >= 16 else None
