"""Damaged files and a full disk: an error where there is one, never wrong bytes, old data as it was.

A read of a damaged object ends in one of three ways: refused (5xx, nothing sent), broken (the
connection ends early, and what came is a true beginning), or whole (the damage was not in its way).
"""
import http.client
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import keys
from checks import main, same, that
from raw import Raw, UNSIGNED
from server import Server

MIB = 1 << 20
CATALOG_TRIALS = 20
SEED = 20


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        raw = Raw(server)
        same(raw.request("PUT", "/damage").status, 200)
        for kind in ("sealed", "plain"):
            blobs(lane, server, raw, kind)
    catalog(lane, given)
    full_disk(lane, given)


class Stored:
    """One large object and the file that holds it."""

    def __init__(self, server, raw, name, kind, size=8 * MIB):
        self.raw, self.path = raw, f"/damage/{kind}-{name}"
        self.headers = keys.trio(keys.fresh()) if kind == "sealed" else {}
        self.body = os.urandom(size)
        before = set(server.blob_files())
        same(raw.request("PUT", self.path, self.headers, self.body, payload=UNSIGNED).status, 200)
        made = set(server.blob_files()) - before
        that(len(made) == 1, f"one new file below blobs/, not {len(made)}")
        self.file = made.pop()
        self.intact = self.file.read_bytes()

    def get(self, **headers):
        """How a read ends; fails on a wrong byte."""
        return outcome(self.raw, self.path, self.headers | headers, self.body)

    def damaged(self, change):
        """How a read ends while the file's bytes are `change`d. The file is mended after."""
        try:
            self.file.write_bytes(change(self.intact))
            return self.get()
        finally:
            self.file.write_bytes(self.intact)


def outcome(raw, path, headers, body):
    """whole, refused, broken or silent; fails on a wrong byte."""
    try:
        answer = raw.request("GET", path, headers)
    except (OSError, http.client.HTTPException):
        return "silent"
    if answer.status >= 500:
        that(answer.code in ("InternalError", "ServiceUnavailable", "SlowDown"), f"another code: {answer!r}")
        return "refused"
    same(answer.status // 100, 2, f"status of {answer!r}")
    same(answer.body == body[:len(answer.body)], True, "only true bytes")
    if answer.broken:
        return "broken"
    same(len(answer.body), len(body), "length of an answer that ended well")
    return "whole"


def flipped(data, at):
    """One bit changed at byte `at` (negative: from the end)."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def blobs(lane, server, raw, kind):
    """Each way in which a blob's file can be wrong."""
    stored = Stored(server, raw, "victim", kind)
    other = Stored(server, raw, "other", kind)
    sealed_chunk = 16400
    swapped = lambda d: d[:sealed_chunk * 5] + d[sealed_chunk * 6:sealed_chunk * 7] + d[sealed_chunk * 5:sealed_chunk * 6] + d[sealed_chunk * 7:]  # noqa: E731
    rows = {
        "one bit near the end": (lambda d: flipped(d, 7 * MIB), ("broken", "refused")),
        "one bit in the middle": (lambda d: flipped(d, 4 * MIB), ("broken", "refused")),
        "the first byte": (lambda d: flipped(d, 0), ("broken", "refused")),
        "two chunks swapped": (swapped, ("broken", "refused")),
        "another object's file": (lambda d: other.intact, ("broken", "refused")),
        "zeros in the middle": (lambda d: d[:MIB] + bytes(MIB) + d[2 * MIB:], ("broken", "refused")),
        "cut by one byte": (lambda d: d[:-1], ("refused",)),
        "cut by a block": (lambda d: d[:-4096], ("refused",)),
        "cut to half": (lambda d: d[:len(d) // 2], ("refused",)),
        "empty": (lambda d: b"", ("refused",)),
        "the last byte": (lambda d: flipped(d, -1), ("refused", "whole")),
    }
    for name, (change, allowed) in rows.items():
        with lane.check(f"{kind}: {name}"):
            got = stored.damaged(change)
            that(got in allowed, f"{got}, not {' or '.join(allowed)}")
    with lane.check(f"{kind}: the file is gone"):
        stored.file.unlink()
        same(stored.get(), "refused")
        stored.file.write_bytes(stored.intact)
    with lane.check(f"{kind}: a range beside the damage is served"):
        stored.file.write_bytes(flipped(stored.intact, 7 * MIB))
        answer = raw.request("GET", stored.path, stored.headers | {"Range": "bytes=100-70000"})
        same((answer.status, answer.body == stored.body[100:70001]), (206, True))
        answer = raw.request("GET", stored.path, stored.headers | {"Range": f"bytes={7 * MIB - 20000}-{7 * MIB + 20000}"})
        that(answer.status >= 500 or answer.broken, f"a range over the damage: {answer.status}")
        stored.file.write_bytes(stored.intact)
    with lane.check(f"{kind}: mended, it is served whole"):
        same((stored.get(), other.get()), ("whole", "whole"))


def catalog(lane, given):
    """Bits flipped anywhere in the catalog: a refused start, a refused read, or the truth."""
    chance = random.Random(SEED)
    with Server(given.bin) as server:
        raw, held = Raw(server), {}
        same(raw.request("PUT", "/damage").status, 200)
        for n in range(60):
            headers, body = keys.trio(keys.fresh()) if n % 2 else {}, os.urandom(12_000)
            same(raw.request("PUT", f"/damage/{n}", headers, body).status, 200)
            held[f"/damage/{n}"] = (headers, body)
        same(server.stop(), 0, "exit code after SIGTERM")
        ends = {}
        for trial in range(CATALOG_TRIALS):
            with lane.check(f"catalog: trial {trial} of seed {SEED}"):
                copy = server.scratch / f"copy-{trial}"
                shutil.copytree(server.data, copy, ignore=shutil.ignore_patterns("*.sock"))
                flip_used_byte(copy, chance)
                for end in reads_of_copy(given, copy, held):
                    ends[end] = ends.get(end, 0) + 1
                shutil.rmtree(copy)
        print("catalog: reads ended", ends)
        with lane.check("catalog: the damage was seen at all"):
            that(any(end != "whole" for end in ends), "no read met any damage: the trials test nothing")


def flip_used_byte(copy, chance):
    """Changes one byte of a page in use."""
    files = [f for f in (copy / "catalog").rglob("*") if f.is_file() and "lock" not in f.name]
    target = max(files, key=lambda f: f.stat().st_size)
    data = target.read_bytes()
    used = [at for at in range(0, len(data), 4096) if any(data[at:at + 4096])]
    target.write_bytes(flipped(data, chance.choice(used) + chance.randrange(4096)))


def reads_of_copy(given, copy, held):
    """How each read of a damaged copy ends."""
    server = Server(given.bin, data=copy)
    try:
        try:
            server.start()
        except RuntimeError:
            that(server.process.poll() not in (None, 0), "neither ready nor ended")
            yield "start refused"
            return
        raw = Raw(server)
        for path, (headers, body) in held.items():
            yield outcome(raw, path, headers, body)
    finally:
        server.kill()
        shutil.rmtree(server.scratch, ignore_errors=True)


def full_disk(lane, given):
    """A volume without space: 5xx at once, what is there stays, and it goes on when there is space."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-lane-"))
    volume = scratch / "volume"
    volume.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(volume)], capture_output=True).returncode == 0
    if not mounted:
        lane.skip("full disk", "no right to mount a small volume (run as root)")
        return
    try:
        with Server(given.bin, data=volume / "data") as server:
            fill(lane, server, volume)
    finally:
        subprocess.run(["umount", "--lazy", str(volume)], check=False)
        shutil.rmtree(scratch, ignore_errors=True)


def fill(lane, server, volume):
    """The checks on a volume that is being filled."""
    raw, headers = Raw(server), keys.trio(keys.fresh())
    same(raw.request("PUT", "/full").status, 200)
    old = {f"/full/{n}": os.urandom(n * 200_000 + 500) for n in range(5)}
    for path, body in old.items():
        same(raw.request("PUT", path, headers, body).status, 200)

    def all_old():
        for path, body in old.items():
            same(raw.request("GET", path, headers).body == body, True, path)

    def refused_put(path, size):
        begun = time.monotonic()
        answer = raw.request("PUT", path, headers, bytes(size), payload=UNSIGNED)
        that(answer.status >= 500, f"not refused: {answer!r}")
        that(time.monotonic() - begun < 5, f"took {time.monotonic() - begun:.1f} s")
        same(raw.request("HEAD", path, headers).status, 404 if path not in old else 200)

    with lane.check("full disk: an object larger than the volume is refused at once"):
        refused_put("/full/too-large", 120 * MIB)
        all_old()
    filler = volume / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass  # the volume is full
    with lane.check("full disk: a new object is refused"):
        refused_put("/full/new", MIB)
    with lane.check("full disk: an overwrite is refused and the old object stays"):
        refused_put("/full/4", MIB)
    with lane.check("full disk: a small object is stored or refused"):
        answer = raw.request("PUT", "/full/small", headers, b"small")
        that(answer.status == 200 or answer.status >= 500, repr(answer))
    with lane.check("full disk: everything stored before is whole, and the server serves"):
        all_old()
        that(server.ready(), "not ready")
    filler.unlink()
    with lane.check("full disk: with space again, objects are stored again"):
        same(raw.request("PUT", "/full/new", headers, bytes(MIB)).status, 200)
        same(raw.request("GET", "/full/new", headers).body == bytes(MIB), True)
        all_old()


if __name__ == "__main__":
    main("damage", run)
