"""The vector files: good ones, and one for each misdeed, named after it."""

import hashlib
import json

import sealed_object as so

HEADER_AT = {"salt": 0, "commitment": 24}


def fixed(name, length):
    """Bytes that look random and are the same each time."""
    return hashlib.shake_256(b"vectors of the sealed object v1: " + name.encode()).digest(length)


def flip(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def plain(length):
    return hashlib.shake_256(b"plaintext").digest(length)


KEY = fixed("key", 32)
MASTER = fixed("master key", 32)
PLACE = {
    "holder": "customer",
    "bucket_uid": fixed("bucket", 16).hex(),
    "object_key": "reports/2026/Übersicht.pdf",
    "version_uid": fixed("version", 16).hex(),
    "body_id": fixed("body", 16).hex(),
}
BODY_ID = bytes.fromhex(PLACE["body_id"])
SECRETS = [fixed("data key", 32), fixed("metadata key", 32), fixed("completion key", 32)]
DATA, METADATA, COMPLETION = SECRETS
WRAP_SALT = fixed("wrap salt", 32)
ENVELOPE = so.wrap(KEY, PLACE, SECRETS, WRAP_SALT)
CUSTOMER = {"key": KEY.hex(), "context": PLACE, "envelope": ENVELOPE.hex()}

HEADER_3, STORED_3 = so.seal_body(DATA, BODY_ID, 1, fixed("part salt", 24), plain(2 * so.CHUNK + 100))
SEALED_CHUNK = so.CHUNK + so.TAG

FACTS = {
    "public_version": "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
    "holder": "customer",
    "last_modified_ms": 1_795_219_200_123,
    "length": 2 * so.CHUNK + 100,
    "etag": "9b2cf535f27731c974343645a3985328",
    "checksum": {"algorithm": "CRC64NVME", "kind": "FULL_OBJECT", "parts": 0, "value": fixed("crc", 8).hex()},
    "metadata": {
        "content_type": "application/pdf",
        "content_encoding": None,
        "content_disposition": 'attachment; filename="Übersicht.pdf"',
        "content_language": "de",
        "cache_control": "private, max-age=60",
        "expires": "Thu, 01 Dec 2026 16:00:00 GMT",
        "website_redirect": None,
        "user": [["author", "M. Muster"], ["empty", ""]],
    },
    "parts": {"whole": {"header": HEADER_3.hex(), "number": 1}},
}
EMPTY_METADATA = {name: None for name in so.TEXTS} | {"user": []}
OUTLINES = [
    {
        "number": number,
        "header": fixed(f"header {number}", 56).hex(),
        "length": 5 << 20 if number < 7 else 1,
        "etag": fixed(f"etag {number}", 16).hex(),
    }
    for number in (1, 2, 7)
]
DIGEST = so.manifest_digest(BODY_ID, 0, OUTLINES)
MANIFEST = {"manifest": {"count": 3, "records": [{"start": 0, "digest": DIGEST.hex()}]}}
FACTS_MANIFEST = {
    **FACTS,
    "public_version": None,
    "length": sum(outline["length"] for outline in OUTLINES),
    "etag": "5b0fe4a3a2bb1b3f5cf8b3f1ee5d42a4-3",
    "checksum": {"algorithm": "SHA256", "kind": "COMPOSITE", "parts": 3, "value": fixed("sha", 32).hex()},
    "metadata": EMPTY_METADATA,
    "parts": MANIFEST,
}
UPLOAD = {
    "holder": "customer",
    "metadata": FACTS["metadata"],
    "checksum": {"algorithm": "CRC32C", "kind": "COMPOSITE"},
}
COMPLETED = {name: FACTS_MANIFEST[name] for name in ("public_version", "last_modified_ms", "length", "etag", "parts")}
PART = {
    "outline": OUTLINES[2],
    "checksum": {"algorithm": "SHA1", "kind": "FULL_OBJECT", "parts": 0, "value": fixed("sha1", 20).hex()},
}


def envelopes():
    good = {"kind": "envelope", **CUSTOMER, "secrets": [secret.hex() for secret in SECRETS]}
    yield "envelope_good", "opens", "A customer's envelope.", good
    server = {**PLACE, "holder": "server"}
    server_key = so.expand(MASTER, b"sse-s3")
    of_server = {
        "kind": "envelope",
        "master_key": MASTER.hex(),
        "context": server,
        "envelope": so.wrap(server_key, server, SECRETS, fixed("server salt", 32)).hex(),
    }
    yield "envelope_good_server", "opens", "The server's envelope, under a key of its master key.", of_server
    yield from kms_envelopes()
    empty = {**PLACE, "object_key": "k" * 1024}
    longest = so.wrap(KEY, empty, SECRETS, WRAP_SALT)
    yield "envelope_good_longest_object_key", "opens", "An object key of 1,024 bytes.", {
        **good, "context": empty, "envelope": longest.hex()}

    def misdeed(name, expect, comment, **changes):
        return f"envelope_{name}", expect, comment, {**good, **changes}

    def elsewhere(name, **changes):
        comment = "The envelope stands where it was not made for: V tells, as it tells a wrong key."
        return misdeed(name, "wrong key", comment, context={**PLACE, **changes})

    yield misdeed("wrong_key", "wrong key", "Another customer key.", key=flip(KEY, 31).hex())
    yield elsewhere("wrong_bucket", bucket_uid=fixed("another", 16).hex())
    yield elsewhere("wrong_object_key", object_key="reports/2026/Übersicht.pdf2")
    yield elsewhere("wrong_version", version_uid=fixed("another", 16).hex())
    yield elsewhere("wrong_body", body_id=fixed("another", 16).hex())
    yield misdeed(
        "fields_shifted", "wrong key", "The same bytes cut into other fields: the lengths are in the context.",
        context={**PLACE, "object_key": PLACE["object_key"][:-1]})
    yield misdeed(
        "wrong_holder", "damaged", "A customer's envelope in the place of a server's.",
        context=server, key=KEY.hex())

    def changed(name, expect, comment, envelope):
        return misdeed(name, expect, comment, envelope=envelope.hex())

    yield changed("holder_changed", "damaged", "The kind of holder says server.", ENVELOPE[:2] + b"\2" + ENVELOPE[3:])
    yield changed("unknown_format", "damaged", "Format 2.", b"\2" + ENVELOPE[1:])
    yield changed("unknown_suite", "damaged", "Suite 2.", ENVELOPE[:1] + b"\2" + ENVELOPE[2:])
    yield changed("salt_flipped", "wrong key", "A bit of wrap_salt.", flip(ENVELOPE, 3))
    yield changed("verifier_flipped", "wrong key", "A bit of V.", flip(ENVELOPE, 66))
    yield changed("wrapped_flipped", "damaged", "A bit of the wrapped DEK.", flip(ENVELOPE, 67))
    yield changed("tag_flipped", "damaged", "A bit of the wrap's tag.", flip(ENVELOPE, -1))
    yield changed("truncated", "damaged", "The last byte is missing.", ENVELOPE[:-1])
    yield changed("trailing_byte", "damaged", "One byte too many.", ENVELOPE + b"\0")
    yield changed("empty", "damaged", "No envelope at all.", b"")
    other = so.wrap(KEY, PLACE, SECRETS, fixed("another salt", 32))
    yield changed("spliced", "damaged", "The wrap of an earlier envelope of the same version.", ENVELOPE[:67] + other[67:])


def kms_envelopes():
    ring_key, data_key = fixed("ring key", 32), fixed("kms data key", 32)
    pairs = {"aws:s3:arn": "arn:aws:s3:::bucket/reports/2026/Übersicht.pdf", "team": "finance"}
    place = {**PLACE, "holder": "kms"}

    def sealed(key, context):
        return so.seal("kms data key", key, so.kms_context(context), data_key, fixed("data key salt", 32)).hex()

    good = {
        "kind": "envelope",
        "ring_key": ring_key.hex(),
        "kms_context": pairs,
        "data_key": sealed(ring_key, pairs),
        "context": place,
        "envelope": so.wrap(data_key, place, SECRETS, fixed("kms salt", 32)).hex(),
    }
    yield "envelope_good_kms", "opens", "An envelope under a data key of the ring.", good

    def misdeed(name, comment, **changes):
        return f"envelope_kms_{name}", "damaged", comment, {**good, **changes}

    yield misdeed("wrong_ring_key", "Another key of the ring.", ring_key=flip(ring_key, 0).hex())
    yield misdeed("wrong_context", "Another encryption context.", kms_context={**pairs, "team": "sales"})
    yield misdeed("context_lacks_a_pair", "A pair of the context is missing.", kms_context={"team": "finance"})
    yield misdeed("data_key_flipped", "A bit of the wrapped data key.", data_key=flip(bytes.fromhex(good["data_key"]), 33).hex())
    yield misdeed("data_key_truncated", "The last byte of the wrapped data key is missing.", data_key=good["data_key"][:-2])
    yield misdeed(
        "of_the_server", "The envelope says that the server holds it.",
        envelope=(good["envelope"][:4] + "02" + good["envelope"][6:]))


def bodies():
    def good(length, number=1):
        header, stored = so.seal_body(DATA, BODY_ID, number, fixed("part salt", 24), plain(length))
        return {
            "kind": "body", **CUSTOMER, "part_number": number, "plain_length": length, "header": header.hex(),
            "stored": stored.hex(), "plain_sha256": hashlib.sha256(plain(length)).hexdigest(),
        }

    yield "body_good_empty", "opens", "No byte: one empty chunk.", good(0)
    yield "body_good_one_byte", "opens", "One byte.", good(1)
    yield "body_good_part_10000", "opens", "The last part number.", good(40, 10_000)
    yield "body_good_one_full_chunk", "opens", "16,384 bytes: a full chunk, and an empty last one.", good(so.CHUNK)
    base = "body_good_three_chunks"
    yield base, "opens", "Two full chunks and 100 bytes.", good(2 * so.CHUNK + 100)

    length = len(STORED_3)
    one, two = (0, SEALED_CHUNK), (SEALED_CHUNK, 2 * SEALED_CHUNK)
    last = (2 * SEALED_CHUNK, length)

    def pieces(name, comment, *ranges, **changes):
        return f"body_{name}", "damaged", comment, {"based_on": base + ".json", "stored_pieces": ranges, **changes}

    yield pieces("last_chunk_missing", "Truncated at a chunk's border.", one, two)
    yield pieces(
        "last_chunk_missing_and_length_changed", "Truncated, and the length says so.", one, two,
        plain_length=2 * so.CHUNK - 16)
    yield pieces("first_chunk_missing", "The body begins with its second chunk.", two, last, plain_length=so.CHUNK + 100)
    yield pieces("middle_chunk_missing", "The length was changed too.", one, last, plain_length=so.CHUNK + 100)
    yield pieces("chunks_swapped", "The second chunk stands first.", two, one, last)
    yield pieces("chunk_repeated", "The first chunk stands twice.", one, one, last)
    yield pieces("chunk_added", "The length was changed too.", one, two, two, last, plain_length=3 * so.CHUNK + 100)
    yield pieces("last_byte_missing", "Truncated within the last tag.", one, two, (last[0], length - 1))
    yield pieces(
        "last_byte_missing_and_length_changed", "The length says so.", one, two, (last[0], length - 1),
        plain_length=2 * so.CHUNK + 99)
    yield pieces("trailing_byte", "One byte too many.", one, two, last, (0, 1))
    yield pieces(
        "trailing_byte_and_length_changed", "The length says so.", one, two, last, (0, 1),
        plain_length=2 * so.CHUNK + 101)
    yield pieces("all_chunks_missing", "Nothing is stored.")

    tiny = good(40)

    def misdeed(name, comment, **changes):
        return f"body_{name}", "damaged", comment, {**tiny, **changes}

    header, stored = bytes.fromhex(tiny["header"]), bytes.fromhex(tiny["stored"])
    yield misdeed("byte_flipped", "A bit of the ciphertext.", stored=flip(stored, 0).hex())
    yield misdeed("tag_flipped", "A bit of the tag.", stored=flip(stored, -1).hex())
    yield misdeed("salt_flipped", "A bit of the attempt's salt.", header=flip(header, HEADER_AT["salt"]).hex())
    yield misdeed("commitment_flipped", "A bit of the commitment.", header=flip(header, -1).hex())
    yield misdeed("header_truncated", "The header lacks a byte.", header=header[:-1].hex())
    yield misdeed("wrong_part_number", "Stored as another part.", part_number=2)
    attempt, _ = so.seal_body(DATA, BODY_ID, 1, fixed("another attempt", 24), plain(40))
    yield misdeed("header_of_another_attempt", "The header of an earlier upload of the same part.", header=attempt.hex())
    _, foreign = so.seal_body(DATA, BODY_ID, 1, fixed("another attempt", 24), plain(40))
    yield misdeed("chunk_of_another_attempt", "The bytes of an earlier upload of the same part.", stored=foreign.hex())
    other_id = fixed("another body", 16)
    header, stored = so.seal_body(DATA, other_id, 1, fixed("part salt", 24), plain(40))
    yield misdeed("of_another_body", "Sealed for another body under the same key.", header=header.hex(), stored=stored.hex())
    header, stored = so.seal_body(fixed("another data key", 32), BODY_ID, 1, fixed("part salt", 24), plain(40))
    yield misdeed("of_another_data_key", "Sealed under another DEK.", header=header.hex(), stored=stored.hex())


KEYS = {"version": METADATA, "upload": METADATA, "completion": COMPLETION, "part": DATA}


def sealed(kind, record, salt="seal salt", key=None, bound=None):
    if bound is None:
        bound = BODY_ID if kind == "part" else b""
    return so.seal(kind, key or KEYS[kind], bound, record, fixed(salt, 32))


def seals():
    goods = {"version": FACTS, "version_manifest": FACTS_MANIFEST, "upload": UPLOAD, "completion": COMPLETED, "part": PART}
    for name, facts in goods.items():
        kind = name.split("_")[0]
        blob = sealed(kind, so.write_record(kind, facts))
        yield f"seal_good_{name}", "opens", "As written.", {"kind": kind, **CUSTOMER, "facts": facts, "sealed": blob.hex()}
    least = {
        "public_version": None, "holder": "customer", "last_modified_ms": -1, "length": 0, "etag": "", "checksum": None,
        "metadata": EMPTY_METADATA, "parts": {"whole": {"header": HEADER_3.hex(), "number": 1}},
    }
    yield "seal_good_version_least", "opens", "Everything absent that can be.", {
        "kind": "version", **CUSTOMER, "facts": least, "sealed": sealed("version", so.write_record("version", least)).hex()}

    record = so.write_record("version", FACTS)
    blob = sealed("version", record)

    def changed(name, comment, blob, kind="version", facts=FACTS):
        return f"seal_{name}", "damaged", comment, {"kind": kind, **CUSTOMER, "facts": facts, "sealed": blob.hex()}

    yield changed("unknown_format", "Format 2.", b"\2" + blob[1:])
    yield changed("salt_flipped", "A bit of the salt.", flip(blob, 1))
    yield changed("record_flipped", "A bit of the record.", flip(blob, 33))
    yield changed("tag_flipped", "A bit of the tag.", flip(blob, -1))
    yield changed("truncated", "The last byte is missing.", blob[:-1])
    yield changed("cut_to_its_salt", "Nothing after the salt.", blob[:33])
    yield changed("trailing_byte", "One byte too many.", blob + b"\0")
    yield changed("of_another_version", "Sealed under another version's MK.", sealed("version", record, key=fixed("another", 32)))
    upload = sealed("upload", record)
    yield changed("of_another_kind", "An upload's seal under the same key.", upload)
    part = so.write_record("part", PART)
    foreign = sealed("part", part, bound=fixed("another", 16))
    yield changed("part_of_another_body", "A part's record bound to another body.", foreign, "part", PART)


def records():
    """Seals that authenticate, over records that are not canonical."""
    record = so.write_record("version", FACTS)

    def bad(name, comment, record, kind="version", facts=FACTS):
        case = {"kind": kind, **CUSTOMER, "facts": facts, "sealed": sealed(kind, record).hex()}
        return f"record_{name}", "damaged", comment, case

    def version(**changes):
        return so.write_record("version", {**FACTS, **changes})

    yield bad("empty", "No byte.", b"")
    yield bad("unknown_version", "Record version 2.", b"\2" + record[1:])
    yield bad("trailing_byte", "One byte too many.", record + b"\0")
    yield bad("truncated", "The last byte is missing.", record[:-1])
    yield bad("presence_byte_two", "A presence byte that is neither 0 nor 1.", b"\1\2" + record[2:])
    at = 1 + 1 + 4 + len(FACTS["public_version"])
    yield bad("unknown_holder", "Holder 4.", record[:at] + b"\4" + record[at + 1 :])
    yield bad("length_above_limit", "An object of more than 10,000 parts of 5 GiB.", version(length=so.OBJECT_BYTES_MAX + 1))
    yield bad("etag_above_limit", "An ETag of 65 bytes.", version(etag="e" * 65))
    yield bad("version_id_above_limit", "A version id of 1,025 bytes.", version(public_version="v" * 1025))
    yield bad("text_not_utf8", "An ETag of one byte 0xff.", record.replace(FACTS["etag"].encode(), b"\xff" * 32))
    length_at = record.index(so.text(FACTS["etag"]))
    yield bad("text_length_beyond_the_end", "A length of nearly 4 GiB.", record[:length_at] + b"\xff" * 4 + record[length_at + 4 :])
    crc = FACTS["checksum"]
    yield bad("unknown_checksum_algorithm", "Algorithm 6.", record.replace(so.write_checksum(crc), b"\6" + so.write_checksum(crc)[1:]))
    yield bad("full_object_checksum_with_parts", "Only composite ones count parts.", version(checksum={**crc, "parts": 1}))
    whole = so.write_parts(FACTS["parts"])
    yield bad("unknown_part_list", "Kind 3.", record.removesuffix(whole) + b"\3" + whole[1:])

    def manifest(count, starts):
        records = [{"start": start, "digest": DIGEST.hex()} for start in starts]
        return version(parts={"manifest": {"count": count, "records": records}})

    yield bad("manifest_of_no_part", "Count 0.", manifest(0, []))
    yield bad("manifest_of_10001_parts", "Above S3's limit.", manifest(10_001, range(11)))
    yield bad("manifest_lacks_a_digest", "1,001 parts need two.", manifest(1_001, [0]))
    yield bad("manifest_has_a_digest_too_many", "1,000 parts need one.", manifest(1_000, [0, 1]))
    yield bad("manifest_begins_late", "The first offset is not 0.", manifest(3, [1]))
    yield bad("manifest_offsets_fall", "Offsets never fall.", manifest(2_001, [0, 9, 8]))
    completion = so.write_record("completion", {**COMPLETED, "parts": FACTS["parts"]})
    yield bad("completion_of_one_part_whole", "A completion has a manifest.", completion, "completion", COMPLETED)
    for name, number in (("zero", 0), ("10001", 10_001)):
        outline = {**OUTLINES[0], "number": number}
        yield bad(f"part_number_{name}", "Out of S3's range.", so.write_record("part", {**PART, "outline": outline}), "part", PART)


def outlines():
    mac = so.outline_mac(COMPLETION, BODY_ID, OUTLINES[0])
    good = {"kind": "outline", **CUSTOMER, "outline": OUTLINES[0], "mac": mac.hex()}
    yield "outline_good", "opens", "Authenticated under CK.", good

    def misdeed(name, comment, **changes):
        return f"outline_{name}", "damaged", comment, {**good, **changes}

    for name in ("number", "length"):
        yield misdeed(f"{name}_changed", "The authenticator covers it.", outline={**OUTLINES[0], name: OUTLINES[0][name] + 1})
    for name in ("header", "etag"):
        yield misdeed(f"{name}_changed", "The authenticator covers it.", outline={**OUTLINES[0], name: OUTLINES[1][name]})
    yield misdeed("mac_flipped", "A bit of the authenticator.", mac=flip(mac, -1).hex())
    yield misdeed("mac_truncated", "Half of the authenticator.", mac=mac[:16].hex())
    yield misdeed("mac_empty", "No authenticator.", mac="")
    foreign = so.outline_mac(COMPLETION, fixed("another", 16), OUTLINES[0])
    yield misdeed("of_another_body", "Authenticated for another body.", mac=foreign.hex())
    manifest = {"kind": "manifest", **CUSTOMER, "start": 0, "outlines": OUTLINES, "digest": DIGEST.hex()}
    yield "manifest_good", "opens", "The digest of three parts.", manifest


def master():
    secret, aad = fixed("completion key", 32), fixed("upload", 16)

    def sealed_secret(kind, aad=aad, key=MASTER):
        return so.seal(kind, key, aad, secret, fixed("master salt", 32)).hex()

    def case(kind, sealed):
        return {"kind": kind, "master_key": MASTER.hex(), "aad": aad.hex(), "secret": secret.hex(), "sealed": sealed}

    for kind in ("open upload", "user secret", "ring key"):
        name = kind.replace(" ", "_")
        yield f"master_good_{name}", "opens", "As sealed.", case(kind, sealed_secret(kind))
    yield "master_wrong_purpose", "damaged", "A user's secret in the place of a completion key.", case("open upload", sealed_secret("user secret"))
    yield "master_wrong_owner", "damaged", "Another upload's completion key.", case("open upload", sealed_secret("open upload", aad=b""))
    yield "master_wrong_key", "damaged", "Sealed by another server.", case("open upload", sealed_secret("open upload", key=KEY))
    yield "master_truncated", "damaged", "The last byte is missing.", case("open upload", sealed_secret("open upload")[:-2])


def write(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.json"):
        old.unlink()
    for source in (envelopes, bodies, seals, records, outlines, master):
        for name, expect, comment, case in source():
            path = directory / f"{name}.json"
            assert not path.exists(), name
            case = {"expect": expect, "comment": comment, **case}
            path.write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n")
