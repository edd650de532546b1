"""A large object gets a new key by CopyObject onto itself, again and again, while the server is killed
(`kill -9`) at one system call after the other of that request.

After each restart exactly one of the two keys opens the object, whole, and the other is refused with 403;
a copy that was acknowledged means the new key; and the files below `blobs/` are the ones that were there
before, since a new key costs no new body. Which calls a copy makes to store, and to answer, is seen on one
that nothing disturbs; then each of them is the one that is not made. strace places the kills; where it cannot, they come at timed moments, and the lane says so.

It prints how long re-keying takes, on a connection that stands. Figures want a release build.
"""
import collections
import http.client
import pathlib
import random
import re
import shutil
import subprocess
import threading
import time

import big
import keys
from checks import Skip, main, same, that
from raw import Raw
from server import Server

PATH = "/big/object"
STORING = ("pwrite64", "pwritev", "pwritev2", "fsync", "fdatasync", "msync", "sync_file_range", "ftruncate", "unlink",
           "unlinkat", "rename", "renameat", "renameat2")
ANSWERING = ("write", "writev", "sendto", "sendmsg")
SYNCS = {"fsync", "fdatasync", "msync"}
STEPS_MAX = 300  # far more than one request makes: a loop that never ends is a failure
TIMED = 40  # kills where there is no strace, one every half millisecond
TIMINGS = 15
ATTACH_SECONDS_MAX = 20


class Rekeyed:
    """The object, the key that opens it, and what became of the kills."""

    def __init__(self, given, server):
        self.server, self.blocks = server, int(given.gib * 1024)
        self.base, self.key = random.Random(7).randbytes(big.MIB), keys.fresh()
        self.raw, self.outcomes = Raw(server), collections.Counter()
        same(self.raw.request("PUT", "/big").status, 200)
        big.put(self.raw, keys.trio(self.key), self.blocks, self.base)
        self.files = server.blob_files()

    def headers(self, fresh):
        """A copy onto itself: from the key that opens it to `fresh`."""
        return {**keys.source_trio(self.key), **keys.trio(fresh), "x-amz-copy-source": PATH}

    def ask(self, fresh):
        """Whether the copy was acknowledged."""
        try:
            answer = self.raw.request("PUT", PATH, self.headers(fresh))
        except (OSError, http.client.HTTPException):
            return False
        same(answer.status, 200, repr(answer))
        return not answer.broken

    def settle(self, fresh, acknowledged, where):
        """Holds what the dead server left against what it may have left."""
        statuses = [self.raw.request("HEAD", PATH, keys.trio(key)).status for key in (self.key, fresh)]
        that(sorted(statuses) == [200, 403], f"{where}: old and new key are answered {statuses}")
        is_new = statuses[1] == 200
        that(is_new or not acknowledged, f"{where}: an acknowledged new key does not open the object")
        same(self.raw.request("HEAD", PATH).status, 400, f"{where}: HEAD without a key")
        self.key = fresh if is_new else self.key
        big.get(self.raw, keys.trio(self.key), self.blocks, self.base)
        same(self.server.blob_files(), self.files, f"{where}: files below blobs/")
        self.outcomes[f"{'new' if is_new else 'old'} key, {'' if acknowledged else 'not '}answered"] += 1


def calls_of_a_copy(rekeyed):
    """How often a copy makes each call, in the order of their first."""
    fresh = keys.fresh()
    with Strace(rekeyed.server, STORING + ANSWERING) as strace:
        acknowledged = rekeyed.ask(fresh)
    that(acknowledged, "a copy that nothing disturbs is answered")
    rekeyed.settle(fresh, acknowledged, "traced")
    return strace.calls()


def stepped(rekeyed, call):
    """Kills at the first, second, ... `call` of any thread, until a copy gets through; how many kills."""
    for number in range(1, STEPS_MAX + 1):
        fresh, server = keys.fresh(), rekeyed.server
        with Strace(server, [call], number):
            acknowledged = rekeyed.ask(fresh)
        died = server.process.poll() is not None
        where = f"{call} {number}"
        that(died or acknowledged, f"{where}: neither killed nor answered")
        if died:
            server.start()
        rekeyed.settle(fresh, acknowledged, where)
        if not died:
            return number - 1
    raise AssertionError(f"still killed at call {STEPS_MAX}")


class Strace:
    """strace on every thread of the server, which it kills at the `kill`-th of a thread's calls of one name.
    On leaving, it is detached."""

    def __init__(self, server, calls, kill=None):
        self.server, self.output = server, server.scratch / "strace"
        self.command = ["strace", "-f", "-qq", "-s", "0", "-o", str(self.output), "-e", f"trace={','.join(calls)}"]
        self.command += ["-e", f"inject={','.join(calls)}:signal=KILL:when={kill}"] if kill else []
        self.command += ["-p", str(server.pid)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + ATTACH_SECONDS_MAX
        while not self.attached():
            that(self.process.poll() is None and time.monotonic() < until, "strace did not attach")
            time.sleep(0.01)
        return self

    def attached(self):
        """Whether every thread is traced; the kernel says by whom."""
        if self.server.process.poll() is not None:
            return True  # a call of the server's own accord was the one
        tasks = pathlib.Path(f"/proc/{self.server.pid}/task").glob("*/status")
        return all(f"TracerPid:\t{self.process.pid}\n" in text for text in map(read, tasks) if text)

    def __exit__(self, *_):
        if self.server.process.poll() is None:
            time.sleep(0.05)  # a kill that came with the answer is noticed
        self.process.terminate()
        self.process.wait()

    def calls(self):
        """How often each call was made."""
        return collections.Counter(re.findall(r"^\d+ +(\w+)\(", self.output.read_text(errors="replace"), re.M))


def read(path):
    """A file of /proc, or nothing if its thread has just ended."""
    try:
        return path.read_text()
    except OSError:
        return ""


def timed(rekeyed):
    """Kills at moments after the request was sent."""
    for number in range(TIMED):
        fresh, server, delay = keys.fresh(), rekeyed.server, number / 2000
        killer = threading.Timer(delay, server.process.kill)
        killer.start()
        acknowledged = rekeyed.ask(fresh)
        killer.join()
        server.process.wait()
        server.start()
        rekeyed.settle(fresh, acknowledged, f"killed after {delay * 1000:.1f} ms")


def can_trace(server):
    """Whether strace is here and may attach; else a skip that says why."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed (Debian: strace); the server is killed at timed moments instead")
    try:
        with Strace(server, ["fsync"]):
            pass
    except AssertionError:
        raise Skip("strace may not attach here (run as root); the server is killed at timed moments instead") from None


def timings(rekeyed):
    """Seconds of each of several copies on one connection."""
    connection, took = rekeyed.raw.connect(), []
    connection.connect()  # the handshake is no part of the copy
    for _ in range(TIMINGS):
        fresh = keys.fresh()
        took.append(rekeyed.raw.copied(connection, PATH, rekeyed.headers(fresh)))
        rekeyed.key = fresh
    connection.close()
    return sorted(took)


def run(lane, given):
    """Put once, re-key often."""
    with Server(given.bin) as server:
        blocks = int(given.gib * 1024)
        if shutil.disk_usage(server.scratch).free < (blocks + 1024) * big.MIB:
            lane.skip("re-keying", f"no {blocks + 1024} MiB free in {server.scratch.parent} (set TMPDIR)")
            return
        rekeyed = Rekeyed(given, server)
        with lane.check(f"{TIMINGS} new keys for {given.gib} GiB, and no new body"):
            took = [seconds * 1000 for seconds in timings(rekeyed)]
            print(f"milliseconds to re-key {given.gib} GiB: min {took[0]:.1f}, median {took[len(took) // 2]:.1f}, max {took[-1]:.1f}")
            rekeyed.settle(keys.fresh(), False, "without a kill")
        steps = False
        with lane.check("the kills can be placed"):
            can_trace(server)
            steps = True
        if not steps:
            with lane.check("killed at timed moments"):
                timed(rekeyed)
            return
        calls = {}
        with lane.check("a copy stores, syncs and answers"):
            calls = calls_of_a_copy(rekeyed)
            print("a copy makes these calls:", dict(calls))
            that(SYNCS & set(calls) and set(STORING) - SYNCS & set(calls) and set(ANSWERING) & set(calls), repr(calls))
        rekeyed.outcomes.clear()
        for call in calls:
            with lane.check(f"killed at every {call}"):
                kills = stepped(rekeyed, call)
                print(f"{kills} kills; so far {dict(rekeyed.outcomes)}")
                that(kills, "the server was not killed")
        with lane.check("the kills met both sides of the commit"):
            for wanted in ("old key, not answered", "new key, not answered"):
                that(rekeyed.outcomes[wanted], f"no kill ended with the {wanted}: {dict(rekeyed.outcomes)}")


if __name__ == "__main__":
    main("rekey", run, gib=0.25)
