"""The judge: publishes the test vectors of the sealed object, and opens what the Rust crate sealed.

    judge.py write DIR     writes every vector file, the same bytes each time
    judge.py verify DIR    opens every vector file as it says it must open, or be refused
    judge.py check FILE    opens sealed objects written by `cargo run --example seal_for_judge -- FILE`

Exit code 0 if all is as it must be, 1 if not. Needs Python's cryptography, 50 or later.
"""

import hashlib
import hmac
import json
import pathlib
import sys

import sealed_object as so
import vectors


def load(path, cache):
    """A vector file, with the fields of the file that it is based on."""
    if path not in cache:
        case = json.loads(path.read_text())
        if "based_on" in case:
            case = {**load(path.with_name(case["based_on"]), cache), **case}
        if "stored_pieces" in case:
            stored = bytes.fromhex(case["stored"])
            case["stored"] = b"".join(stored[a:b] for a, b in case["stored_pieces"]).hex()
        cache[path] = case
    return cache[path]


def judge(case):
    """Opens one case. Raises `Refused`, or AssertionError if it opens to something else than it says."""
    if case["kind"] in ("open upload", "user secret", "ring key"):
        key, aad = bytes.fromhex(case["master_key"]), bytes.fromhex(case["aad"])
        secret = so.open_seal(case["kind"], key, aad, bytes.fromhex(case["sealed"]))
        assert secret.hex() == case["secret"], "another secret"
        return
    place = case["context"]
    body_id = bytes.fromhex(place["body_id"])
    data, metadata, completion = so.unwrap(so.holder_key(case), place, bytes.fromhex(case["envelope"]))
    if "secrets" in case:
        assert [data.hex(), metadata.hex(), completion.hex()] == case["secrets"], "other secrets"
    judge_kind(case, body_id, data, metadata, completion)


def judge_kind(case, body_id, data, metadata, completion):
    kind = case["kind"]
    if kind == "body":
        header, stored = bytes.fromhex(case["header"]), bytes.fromhex(case["stored"])
        plain = so.open_body(data, body_id, case["part_number"], header, stored, case["plain_length"])
        assert hashlib.sha256(plain).hexdigest() == case["plain_sha256"], "another plaintext"
    elif kind in ("version", "upload", "completion", "part"):
        key = {"version": metadata, "upload": metadata, "completion": completion, "part": data}[kind]
        bound = body_id if kind == "part" else b""
        record = so.open_seal(kind, key, bound, bytes.fromhex(case["sealed"]))
        facts = so.read_record(kind, record)
        assert facts == case["facts"], f"other facts: {facts}"
        assert so.write_record(kind, facts) == record, "another encoding"
    elif kind == "outline":
        mac = so.outline_mac(completion, body_id, case["outline"])
        if not hmac.compare_digest(mac, bytes.fromhex(case["mac"])):
            raise so.damaged("outline")
    elif kind == "manifest":
        digest = so.manifest_digest(body_id, case["start"], case["outlines"])
        assert digest.hex() == case["digest"], "another digest"
    else:
        assert kind == "envelope", f"unknown kind {kind}"


def verdict(case):
    try:
        judge(case)
    except so.Refused as refused:
        return refused.kind
    return "opens"


def run(cases):
    failures = 0
    for name, case in cases:
        try:
            found = verdict(case)
        except AssertionError as error:
            found = f"opens to {error}"
        if found != case["expect"]:
            failures += 1
            print(f"FAILED {name}: must be '{case['expect']}', is '{found}'")
    print(f"{len(cases)} cases, {failures} failures")
    return 1 if failures or not cases else 0


def main(arguments):
    match arguments:
        case ["write", directory]:
            vectors.write(pathlib.Path(directory))
            return 0
        case ["verify", directory]:
            cache = {}
            paths = sorted(pathlib.Path(directory).glob("*.json"))
            return run([(path.stem, load(path, cache)) for path in paths])
        case ["check", file]:
            cases = json.loads(pathlib.Path(file).read_text())
            return run([(case["name"], case) for case in cases])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
