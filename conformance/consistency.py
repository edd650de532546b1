"""S3's strong consistency: several clients on few names, over every front-end in turn, and an exact judge of what they saw.

Every answer must be one that a single register for each name could have given within the request's interval
(`linearizable.py`), in a bucket with versions a single list of versions, and where versioning is switched or uploads are
ended by several (`null_histories.py`) that list with the bucket's status; of a listing, and of DeleteObjects, each name
by itself must have been so at some moment of the request. The history is made and judged in windows, of each kind in
turn. Before the run the judge is held against hand-made histories, and the whole chain against faults that
a proxy plants. At most one outcome in a thousand may be open (an answer of 5xx, or none): nothing is killed here.

`--minutes N` is the length of the run. `--endpoints URL,URL` are servers that run already (`--ca FILE`, and
credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY); otherwise one is started, or as many front-ends as
`backends.py` says.
"""
import functools
import os
import random
import time

from checks import main, same, that
from histories import Histories
from kept import Endpoint
from linearizable import FOREVER, KEEP, Operation, anything, by_definition, linearizable
from null_histories import NullHistories
from null_judge import judge_nulls
from planted import (CrossedVersions, LostDeletes, LostVersion, LostWrite, Nothing, Proxy, StaleRead, TornBody, Unavailable,
                     WrongLatest)
from server import Server
from planted_requests import LostAbort, LostAnswers, LostMarker, LostSwitch, NewestCopied, RememberedComplete, Unconditional
from version_histories import VersionHistories
from version_judge import judge_versions

PLAIN, VERSIONS, SUSPENDED, UPLOADS = "without versions", "with versions", "with versions suspended", "with uploads, without versions"
# Each kind of history, window by window in turn.
KINDS = {PLAIN: Histories, VERSIONS: VersionHistories, SUSPENDED: NullHistories,
         UPLOADS: functools.partial(NullHistories, is_versioned=False)}
WINDOW_SECONDS, WINDOWS_EACH_MIN = 10, 2
PLANTED_WINDOW_SECONDS, PLANTED_WINDOWS_MAX = 0.6, 40  # how long a fault may take to be planted and seen
OPERATIONS_EACH_MIN = 20  # an operation of each kind this often, or the run was none


def run(lane, given):
    """The judge, the planted faults, the run."""
    judge(lane)
    if given.endpoints:
        access, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        faults(lane, given)
        endpoints = [Endpoint(url, given.ca, access, secret) for url in given.endpoints.split(",")]
        consistent(lane, given, endpoints)
        return
    faults(lane, given)
    with Server(given.bin) as server:
        consistent(lane, given, [endpoint_of(server, url) for url in server.endpoints])


def endpoint_of(server, url):
    """One of a server's URLs."""
    return Endpoint(url, server.ca, *server.credentials())


def consistent(lane, given, endpoints):
    """The run."""
    seed = given.seed or random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}; {len(endpoints)} endpoints, {given.clients} clients, {given.names} names")
    kinds = {kind: make(endpoints, given.clients, given.names, seed=seed) for kind, make in KINDS.items()}
    window_seconds = min(WINDOW_SECONDS, given.minutes * 60 / len(kinds) / WINDOWS_EACH_MIN)
    with lane.check("the clients have their buckets"):
        for histories in kinds.values():
            histories.make_bucket()
    until, windows = time.monotonic() + given.minutes * 60, 0
    with lane.check("every window is linearizable, every list explained, every body whole"):
        while windows < len(kinds) or time.monotonic() < until:
            list(kinds.values())[windows % len(kinds)].window(window_seconds)
            windows += 1
            if windows % 30 == 0:
                print(f"{windows} windows, {sum(histories.operations for histories in kinds.values())} operations: nothing found")
    for kind, histories in kinds.items():
        told(lane, kind, histories)


def told(lane, kind, histories):
    """What one run of histories was, and whether it was one."""
    print(f"{kind}: {histories.operations} operations; requests: {dict(sorted(histories.kinds.items()))}; "
          f"answers: {dict(sorted(histories.answers.items()))}")
    with lane.check(f"the load was a load, {kind}"):
        counts = histories.answers
        # What ten seconds on a slow machine reach; a dead client or server does not.
        for wanted in ("PUT 200", "GET 200", "HEAD 200", "DELETE 204", "POST 200", "GET 404 NoSuchKey", "PUT 412 PreconditionFailed"):
            that(counts[wanted] >= OPERATIONS_EACH_MIN, f"{wanted}: {counts[wanted]} answers")
        for wanted in histories.weights:
            that(histories.kinds[wanted] >= OPERATIONS_EACH_MIN / 2, f"{wanted}: asked {histories.kinds[wanted]} times")
    with lane.check(f"next to no outcome is open, {kind}"):
        asked, unknown = histories.answered()
        print(f"{kind}: {unknown} of {asked} outcomes are open")


# The judge is judged

def write(begun, ended, value, guard=anything):
    """A write."""
    return Operation(begun, ended, guard, value, f"write {value}")


def read(begun, ended, value):
    """A read."""
    return Operation(begun, ended, lambda state: state == value, KEEP, f"read {value}")


def swap(begun, ended, old, new):
    """A write on condition."""
    return Operation(begun, ended, lambda state: state == old, new, f"swap {old} for {new}")


GOOD = {
    "a read after a write": [write(0, 1, "x"), read(2, 3, "x")],
    "either order while they meet": [write(0, 5, "x"), write(0, 5, "y"), read(6, 7, "x"), read(8, 9, "x")],
    "a read during a write sees either": [write(0, 1, "x"), write(2, 9, "y"), read(3, 4, "x"), read(5, 6, "y")],
    "a lost answer takes effect late": [write(0, FOREVER, "x"), read(1, 2, None), write(3, 4, "y"), read(5, 6, "y"), read(7, 8, "x")],
    "a lost answer never takes effect": [write(0, FOREVER, "x"), write(1, 2, "y"), read(3, 4, "y")],
    "one of two swaps wins": [write(0, 1, "x"), swap(2, 5, "x", "y"), Operation(2, 5, lambda s: s != "x", KEEP), read(6, 7, "y")],
    "delete and absence": [write(0, 1, "x"), write(2, 6, None), read(3, 4, None), read(7, 8, None)],
    "a lost write lets a swap in": [write(0, FOREVER, "x"), swap(1, 2, "x", "y"), read(3, 4, "y")],
}
BAD = {
    "a stale read": [write(0, 1, "x"), write(2, 3, "y"), read(4, 5, "x")],
    "new, then old": [write(0, 1, "x"), write(2, 9, "y"), read(3, 4, "y"), read(5, 6, "x")],
    "a value from nowhere": [write(0, 1, "x"), read(2, 3, "y")],
    "a lost write": [write(0, 1, "x"), read(2, 3, None)],
    "two creations": [swap(0, 3, None, "x"), swap(0, 3, None, "y")],
    "both swaps win": [write(0, 1, "x"), swap(2, 3, "x", "y"), swap(4, 5, "x", "z")],
    "a lost answer takes effect twice": [write(0, FOREVER, "x"), read(1, 2, "x"), write(3, 4, "y"), read(5, 6, "y"), read(7, 8, "x")],
    "a lost answer takes effect before it was asked": [read(0, 1, "x"), write(2, FOREVER, "x")],
    "deleted comes back": [write(0, 1, "x"), write(2, 3, None), read(4, 5, None), read(6, 7, "x")],
    "two readers disagree on the order": [write(0, 5, "x"), write(0, 5, "y"), read(6, 7, "x"), read(8, 9, "y"), read(10, 11, "x")],
}


def judge(lane):
    """Hand-made histories, and random small ones against the definition."""
    judge_versions(lane)
    judge_nulls(lane)
    for name, history in GOOD.items():
        with lane.check(f"the judge accepts: {name}"):
            that(linearizable(history) and by_definition(history), "refused")
    for name, history in BAD.items():
        with lane.check(f"the judge refuses: {name}"):
            that(not linearizable(history) and not by_definition(history), "accepted")
    with lane.check("the judge agrees with the definition on 2,000 random histories"):
        chance, accepted = random.Random(6), 0
        for _ in range(2_000):
            history = [some(chance) for _ in range(chance.randrange(1, 7))]
            verdict = linearizable(history)
            same(verdict, by_definition(history), f"{history}")
            accepted += verdict
        that(300 < accepted < 1_700, f"{accepted} accepted: they tell nothing")


def some(chance):
    """A random operation among few moments and values."""
    begun = chance.randrange(12)
    ended = FOREVER if chance.random() < 0.25 else begun + chance.randrange(6)
    value, other = chance.choice((None, 1, 2, 3)), chance.choice((None, 1, 2, 3))
    unlike = Operation(begun, ended, lambda state: state != value, KEEP, f"not {value}")
    return chance.choice((write(begun, ended, value), read(begun, ended, value), unlike, swap(begun, ended, value, other)))


# The chain is judged

def faults(lane, given):
    """Each planted fault is found; without one nothing is."""
    unexplained = "finds none of its states"
    with Server(given.bin) as server:
        for kind in KINDS:
            with lane.check(f"nothing planted, nothing found, {kind}"):
                same(hunted(server, Nothing(), 1, kind), "", "found")
        for kind in (VERSIONS, SUSPENDED):
            with lane.check(f"answers lost, nothing found, {kind}"):
                same(hunted(server, LostAnswers(), 2, kind, is_calm=False), "", "found")
        for name, fault, kind, message in [
                ("a stale read", StaleRead(), PLAIN, unexplained),
                ("a stale listing", StaleRead("names"), PLAIN, "a list saw"),
                ("an acknowledged write that was not made", LostWrite(), PLAIN, unexplained),
                ("a torn body", TornBody(), PLAIN, "is none that was sent"),
                ("DeleteObjects that deletes nothing", LostDeletes(), PLAIN, unexplained),
                ("a stale list of versions", StaleRead("versions"), VERSIONS, "a list of versions"),
                ("a list of versions in another order", CrossedVersions(), VERSIONS, ""),
                ("a version that was lost under its successor", LostVersion(server), VERSIONS, unexplained),
                ("an acknowledged version that was not made", LostWrite(), VERSIONS, unexplained),
                ("the version before the delete as the newest", WrongLatest(), VERSIONS, unexplained),
                ("DeleteObjects that deletes no version", LostDeletes(), VERSIONS, unexplained),
                ("a write that overwrites if absent", Unconditional(server, "PUT", "if-none-match"), VERSIONS, unexplained),
                ("a completion that overwrites if absent", Unconditional(server, "POST", "if-none-match"), VERSIONS, unexplained),
                ("a delete of another than it matches", Unconditional(server, "DELETE", "if-match"), VERSIONS, unexplained),
                ("a copy of the newest for that of a version", NewestCopied(server), VERSIONS, ""),
                ("a copy of another than it matches", Unconditional(server, "PUT", "x-amz-copy-source-if-match"), VERSIONS,
                 "which it is not"),
                ("a null version that was replaced", StaleRead("version"), SUSPENDED, "of the null version"),
                ("a version that was lost under a null version", LostVersion(server), SUSPENDED, unexplained),
                ("a delete that leaves no null marker", LostMarker(server), SUSPENDED, unexplained),
                ("a suspension that was not made", LostSwitch(), SUSPENDED, unexplained),
                ("an abort that was not made, with versions", LostAbort(), SUSPENDED, unexplained),
                ("an abort that was not made", LostAbort(), UPLOADS, unexplained),
                ("a completion answered again for another object", RememberedComplete(), UPLOADS, unexplained),
                ("outcomes that nobody knows", Unavailable(), PLAIN, "outcomes are open")]:
            with lane.check(f"planted: {name}"):
                found = hunted(server, fault, PLANTED_WINDOWS_MAX, kind)
                that(fault.planted, "the fault could not be planted")
                that(found and message in found, f"found: {found or 'nothing'}")


def hunted(server, fault, windows, kind, is_calm=True):
    """What the histories find over a proxy with a fault. Not every lie is seen: a write may be overwritten unread."""
    with Proxy(server, fault) as proxy:
        histories = KINDS[kind]([endpoint_of(server, proxy.endpoint)], clients=4, names=3, seed=1)
        histories.is_calm = is_calm
        histories.make_bucket()
        for _ in range(windows):
            try:
                histories.window(PLANTED_WINDOW_SECONDS)
                histories.answered()
            except AssertionError as error:
                return str(error)
    return ""


if __name__ == "__main__":
    main("consistency", run, minutes=0.6, endpoints="", ca="", clients=6, names=5, seed=0)
