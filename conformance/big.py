"""One large object in and out, while the server's anonymous memory is watched.

What is counted is RssAnon + RssShmem of /proc/PID/status, sampled: private and shared memory, and not
the page cache that the mapped catalog borrows.
"""
import hashlib
import pathlib
import random
import re
import shutil
import threading
import time

import keys
from checks import main, same, that
from raw import Raw, UNSIGNED
from server import Server

MIB = 1 << 20
ANON_MIB_MAX = 100
SAMPLE_SECONDS = 0.02


class Watch:
    """Samples a process until it is stopped."""

    def __init__(self, pid):
        self.status, self.peak, self.over = pathlib.Path(f"/proc/{pid}/status"), 0, threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def sample(self):
        """The peak so far, in KiB."""
        while not self.over.wait(SAMPLE_SECONDS):
            text = self.status.read_text()
            self.peak = max(self.peak, sum(int(n) for n in re.findall(r"Rss(?:Anon|Shmem):\s+(\d+)", text)))

    def stop(self):
        """The peak in MiB."""
        self.over.set()
        self.thread.join()
        return self.peak / 1024


def block(base, index):
    """The `index`-th MiB: no two alike, so that a swapped or repeated one is seen."""
    return hashlib.sha256(index.to_bytes(8, "big")).digest() + base[32:]


def run(lane, given):
    """In, out, and the peak of both."""
    blocks, base = int(given.gib * 1024), random.Random(5).randbytes(MIB)
    with Server(given.bin) as server:
        if shutil.disk_usage(server.scratch).free < (blocks + 1024) * MIB:
            lane.skip("the large object", f"no {blocks + 1024} MiB free in {server.scratch.parent} (set TMPDIR)")
            return
        raw, headers, watch = Raw(server), keys.trio(keys.fresh()), Watch(server.pid)
        same(raw.request("PUT", "/big").status, 200)
        with lane.check(f"{given.gib} GiB go in"):
            timed("in", blocks, lambda: put(raw, headers, blocks, base))
        with lane.check(f"{given.gib} GiB come out, the same bytes"):
            timed("out", blocks, lambda: get(raw, headers, blocks, base))
        with lane.check(f"anonymous memory stays under {ANON_MIB_MAX} MiB"):
            peak = watch.stop()
            print(f"peak RssAnon + RssShmem: {peak:.1f} MiB")
            that(0 < peak < ANON_MIB_MAX, f"{peak:.1f} MiB")


def timed(name, blocks, action):
    """Prints the rate."""
    begun = time.monotonic()
    action()
    took = time.monotonic() - begun
    print(f"{name}: {took:.1f} s, {blocks / took:.0f} MiB/s as this client could send or check")


def put(raw, headers, blocks, base):
    """One PUT, streamed."""
    target, sent = raw.signed("PUT", "/big/object", headers, payload=UNSIGNED)
    connection = raw.connect()
    connection.putrequest("PUT", target, skip_host=True, skip_accept_encoding=True)
    for name, value in [*sent, ("Content-Length", str(blocks * MIB))]:
        connection.putheader(name, value)
    connection.endheaders()
    for index in range(blocks):
        connection.send(block(base, index))
    answer = connection.getresponse()
    same((answer.status, answer.read()[:500]), (200, b""))
    connection.close()


def get(raw, headers, blocks, base):
    """One GET, compared block by block."""
    target, sent = raw.signed("GET", "/big/object", headers)
    connection = raw.connect()
    connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
    for name, value in sent:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    same((answer.status, answer.headers["Content-Length"]), (200, str(blocks * MIB)))
    for index in range(blocks):
        if answer.read(MIB) != block(base, index):
            raise AssertionError(f"MiB {index} differs")
    same(answer.read(), b"", "more than was put")
    connection.close()


if __name__ == "__main__":
    main("big", run, gib=5.0)
