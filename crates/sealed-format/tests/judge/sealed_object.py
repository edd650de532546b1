"""A second implementation of docs/format/sealed-object-v1.md, for judging the first.

It shares no code with the Rust crate: HKDF, HMAC and AES-256-GCM come from pyca/cryptography, and part bodies are opened
by that library's own Cobblestone-256. It is slow, holds everything in memory and takes no care of secrets: never use it
for anything but tests and for opening an export by hand.
"""

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

DOMAIN = b"strongroom sealed object v1"
MANIFEST_DOMAIN = b"strongroom manifest v1"
SUITE = 1
HOLDERS = {"customer": 1, "server": 2, "kms": 3}
ALGORITHMS = {"CRC32": (1, 4), "CRC32C": (2, 4), "CRC64NVME": (3, 8), "SHA1": (4, 20), "SHA256": (5, 32)}
KINDS = {"FULL_OBJECT": 1, "COMPOSITE": 2}
TEXTS = [
    "content_type",
    "content_encoding",
    "content_disposition",
    "content_language",
    "cache_control",
    "expires",
    "website_redirect",
]
CHUNK = 16_384
TAG = 16
OBJECT_BYTES_MAX = 10_000 * (5 << 30)
PARTS_MAX = 10_000
PARTS_PER_DIGEST = 1_000
ZERO_NONCE = bytes(12)


class Refused(Exception):
    """The answer to a misdeed: `kind` is "wrong key" or "damaged"."""

    def __init__(self, kind, why):
        super().__init__(f"{kind}: {why}")
        self.kind = kind


def damaged(why):
    return Refused("damaged", why)


def lp(field):
    return struct.pack(">I", len(field)) + field


def expand(key, info, length=32):
    return HKDFExpand(hashes.SHA512(), length, info).derive(key)


def extract(salt, key):
    return hmac.new(salt, key, hashlib.sha512).digest()


def aes_open(key, nonce, sealed, aad, why):
    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise damaged(why) from None


# --- context and envelope -------------------------------------------------------------------------------------------


def context(place):
    return b"".join(
        lp(field)
        for field in [
            DOMAIN,
            bytes([SUITE]),
            bytes([HOLDERS[place["holder"]]]),
            bytes.fromhex(place["bucket_uid"]),
            place["object_key"].encode(),
            bytes.fromhex(place["version_uid"]),
            bytes.fromhex(place["body_id"]),
        ]
    )


def holder_key(case):
    """The 32 bytes that wrap: the customer's key, the server's, derived from its master key, or a data key of the ring."""
    if "ring_key" in case:
        ring_key, sealed = bytes.fromhex(case["ring_key"]), bytes.fromhex(case["data_key"])
        return open_seal("kms data key", ring_key, kms_context(case["kms_context"]), sealed)
    if "master_key" in case:
        return expand(bytes.fromhex(case["master_key"]), b"sse-s3")
    return bytes.fromhex(case["key"])


def kms_context(pairs):
    return b"".join(lp(name.encode()) + lp(value.encode()) for name, value in sorted(pairs.items()))


def wrap(key, place, secrets, wrap_salt):
    ctx = context(place)
    prk = extract(wrap_salt, key)
    verifier = expand(prk, b"verify" + ctx)
    kek = expand(prk, b"wrap" + ctx)
    wrapped = AESGCM(kek).encrypt(ZERO_NONCE, b"".join(secrets), ctx + b"wrap" + verifier)
    return bytes([1, SUITE, HOLDERS[place["holder"]]]) + wrap_salt + verifier + wrapped


def unwrap(key, place, envelope):
    """Returns DEK, MK, CK."""
    if len(envelope) != 179:
        raise damaged("length of the envelope")
    if envelope[0] != 1 or envelope[1] != SUITE:
        raise damaged("format or suite of the envelope")
    if envelope[2] != HOLDERS[place["holder"]]:
        raise damaged("kind of holder of the envelope")
    wrap_salt, verifier, wrapped = envelope[3:35], envelope[35:67], envelope[67:]
    ctx = context(place)
    prk = extract(wrap_salt, key)
    if not hmac.compare_digest(expand(prk, b"verify" + ctx), verifier):
        raise Refused("wrong key", "verifier")
    kek = expand(prk, b"wrap" + ctx)
    plain = aes_open(kek, ZERO_NONCE, wrapped, ctx + b"wrap" + verifier, "wrap")
    return plain[:32], plain[32:64], plain[64:]


# --- bodies ---------------------------------------------------------------------------------------------------------


def body_context(body_id, part_number):
    return lp(body_id) + lp(struct.pack(">I", part_number))


def seal_body(data_key, body_id, part_number, salt, plain):
    """Returns (header, stored). Written out by hand, since the library draws its own salt."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + body_context(body_id, part_number)
    okm = expand(expand(data_key, b"body"), info, 76)
    key, base, commitment = okm[:32], int.from_bytes(okm[32:44], "big"), okm[44:]
    stored = b""
    for index in range(len(plain) // CHUNK + 1):
        nonce = (base ^ index).to_bytes(12, "big")
        stored += AESGCM(key).encrypt(nonce, plain[index * CHUNK : (index + 1) * CHUNK], None)
    return salt + commitment, stored


def open_body(data_key, body_id, part_number, header, stored, plain_length):
    from cryptography.cobblestone import Cobblestone256Decryptor

    if len(header) != 56:
        raise damaged("length of the part header")
    if len(stored) != plain_length + TAG * (plain_length // CHUNK + 1):
        raise damaged("length of the stored bytes")
    decryptor = Cobblestone256Decryptor(expand(data_key, b"body"), body_context(body_id, part_number))
    try:
        return decryptor.update(header + stored) + decryptor.finalize()
    except InvalidTag:
        raise damaged("body") from None


# --- records: the canonical encoding --------------------------------------------------------------------------------


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def text(value):
    return lp(value.encode())


def optional(value, write):
    return b"\0" if value is None else b"\1" + write(value)


def write_checksum(checksum):
    number, length = ALGORITHMS[checksum["algorithm"]]
    value = bytes.fromhex(checksum["value"])
    assert len(value) == length
    return bytes([number, KINDS[checksum["kind"]]]) + u32(checksum["parts"]) + value


def write_metadata(metadata):
    out = b"".join(optional(metadata.get(name), text) for name in TEXTS)
    out += u32(len(metadata["user"]))
    return out + b"".join(text(name) + text(value) for name, value in metadata["user"])


def write_parts(parts):
    if "whole" in parts:
        return b"\1" + bytes.fromhex(parts["whole"]["header"]) + u32(parts["whole"]["number"])
    manifest = parts["manifest"]
    records = b"".join(u64(r["start"]) + bytes.fromhex(r["digest"]) for r in manifest["records"])
    return b"\2" + u32(manifest["count"]) + records


def write_outline(outline):
    return (
        u32(outline["number"])
        + bytes.fromhex(outline["header"])
        + u64(outline["length"])
        + text(outline["etag"])
    )


def write_record(kind, facts):
    if kind == "version":
        fields = [
            optional(facts["public_version"], text),
            bytes([HOLDERS[facts["holder"]]]),
            struct.pack(">q", facts["last_modified_ms"]),
            u64(facts["length"]),
            text(facts["etag"]),
            optional(facts["checksum"], write_checksum),
            write_metadata(facts["metadata"]),
            write_parts(facts["parts"]),
        ]
    elif kind == "upload":
        fields = [
            bytes([HOLDERS[facts["holder"]]]),
            write_metadata(facts["metadata"]),
            optional(facts["checksum"], lambda c: bytes([ALGORITHMS[c["algorithm"]][0], KINDS[c["kind"]]])),
        ]
    elif kind == "completion":
        fields = [
            optional(facts["public_version"], text),
            struct.pack(">q", facts["last_modified_ms"]),
            u64(facts["length"]),
            text(facts["etag"]),
            write_parts(facts["parts"]),
        ]
    else:
        fields = [write_outline(facts["outline"]), optional(facts["checksum"], write_checksum)]
    return b"\1" + b"".join(fields)


class Reader:
    """Reads one record, refusing what is not canonical."""

    def __init__(self, data):
        self.data = data

    def bytes(self, length):
        if length > len(self.data):
            raise damaged("record ends early")
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def number(self, length):
        return int.from_bytes(self.bytes(length), "big")

    def limited(self, length, low, high):
        value = self.number(length)
        if not low <= value <= high:
            raise damaged("value out of its range")
        return value

    def named(self, names):
        value = self.number(1)
        for name, number in names.items():
            if number == value:
                return name
        raise damaged("unknown number")

    def text(self, limit=65_536):
        try:
            return self.bytes(self.limited(4, 0, limit)).decode()
        except UnicodeDecodeError:
            raise damaged("text is not UTF-8") from None

    def optional(self, read):
        return read() if self.limited(1, 0, 1) else None

    def finish(self):
        if self.data:
            raise damaged("trailing bytes")

    def signed(self):
        return int.from_bytes(self.bytes(8), "big", signed=True)

    def algorithm(self):
        return self.named({name: number for name, (number, _) in ALGORITHMS.items()})

    def length(self):
        return self.limited(8, 0, OBJECT_BYTES_MAX)

    def etag(self):
        return self.text(64)

    def checksum(self):
        algorithm, kind = self.algorithm(), self.named(KINDS)
        parts = self.limited(4, 0, PARTS_MAX if kind == "COMPOSITE" else 0)
        value = self.bytes(ALGORITHMS[algorithm][1]).hex()
        return {"algorithm": algorithm, "kind": kind, "parts": parts, "value": value}

    def metadata(self):
        metadata = {name: self.optional(self.text) for name in TEXTS}
        metadata["user"] = [[self.text(), self.text()] for _ in range(self.limited(4, 0, 4_096))]
        return metadata

    def parts(self):
        if self.limited(1, 1, 2) == 1:
            return {"whole": {"header": self.bytes(56).hex(), "number": self.limited(4, 0, PARTS_MAX)}}
        count = self.limited(4, 1, PARTS_MAX)
        records = []
        for _ in range(-(-count // PARTS_PER_DIGEST)):
            records.append({"start": self.length(), "digest": self.bytes(32).hex()})
        starts = [record["start"] for record in records]
        if starts[0] != 0 or starts != sorted(starts):
            raise damaged("offsets of the manifest")
        return {"manifest": {"count": count, "records": records}}

    def outline(self):
        return {
            "number": self.limited(4, 1, PARTS_MAX),
            "header": self.bytes(56).hex(),
            "length": self.length(),
            "etag": self.etag(),
        }


def read_record(kind, record):
    r = Reader(record)
    r.limited(1, 1, 1)
    if kind == "version":
        facts = {
            "public_version": r.optional(lambda: r.text(1_024)),
            "holder": r.named(HOLDERS),
            "last_modified_ms": r.signed(),
            "length": r.length(),
            "etag": r.etag(),
            "checksum": r.optional(r.checksum),
            "metadata": r.metadata(),
            "parts": r.parts(),
        }
    elif kind == "upload":
        facts = {
            "holder": r.named(HOLDERS),
            "metadata": r.metadata(),
            "checksum": r.optional(lambda: {"algorithm": r.algorithm(), "kind": r.named(KINDS)}),
        }
    elif kind == "completion":
        facts = {
            "public_version": r.optional(lambda: r.text(1_024)),
            "last_modified_ms": r.signed(),
            "length": r.length(),
            "etag": r.etag(),
            "parts": r.parts(),
        }
        if "manifest" not in facts["parts"]:
            raise damaged("completion without a manifest")
    else:
        facts = {"outline": r.outline(), "checksum": r.optional(r.checksum)}
    r.finish()
    return facts


# --- seals ----------------------------------------------------------------------------------------------------------

LABELS = {
    "version": b"version seal",
    "upload": b"upload seal",
    "completion": b"completion seal",
    "part": b"part record",
    "open upload": b"open upload",
    "user secret": b"user secret",
    "ring key": b"ring key",
    "kms data key": b"kms data key",
}


def seal(kind, key, bound, record, salt):
    label = LABELS[kind]
    sealed = AESGCM(expand(key, label + salt)).encrypt(ZERO_NONCE, record, b"\1" + label + bound)
    return b"\1" + salt + sealed


def open_seal(kind, key, bound, sealed):
    if len(sealed) < 49 or sealed[0] != 1:
        raise damaged("format of the seal")
    label = LABELS[kind]
    single_use = expand(key, label + sealed[1:33])
    return aes_open(single_use, ZERO_NONCE, sealed[33:], b"\1" + label + bound, "seal")


def outline_mac(completion_key, body_id, outline):
    return expand(completion_key, b"outline mac" + body_id + b"\1" + write_outline(outline))


def manifest_digest(body_id, start, outlines):
    message = lp(MANIFEST_DOMAIN) + lp(body_id) + u64(start) + u32(len(outlines))
    message += b"".join(b"\1" + write_outline(outline) for outline in outlines)
    return hashlib.sha256(message).digest()
