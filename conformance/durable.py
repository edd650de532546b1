"""A PUT is synced before it is answered: the system calls of one request, in their order, seen by strace (root).

Of an object inside the catalog one sync must be done before the answer's first byte, of an object in a file two:
the file's, and after it the catalog's.
"""
import re

import keys
from checks import main, that
from raw import Raw
from rekey import STORING, SYNCS, Strace, can_trace
from server import Server

# Wake-ups of threads are `write`s; answers go out by these.
ANSWERS = ("writev", "sendto", "sendmsg")
BODIES = {"inside the catalog": (4 << 10, 1), "in a file": (1 << 20, 2)}


def run(lane, given):
    """One PUT of each kind, after one that nobody looks at."""
    with Server(given.bin) as server:
        raw = Raw(server)
        that(raw.request("PUT", "/durable").status == 200, "no bucket")
        with lane.check("strace can watch"):
            can_trace(server)
        if lane.skipped:
            return
        for name, (size, syncs) in BODIES.items():
            with lane.check(f"an object {name} is synced before the answer"):
                ordered(put_traced(server, raw, size), syncs)


def put_traced(server, raw, size):
    """The calls of a PUT, by name and in the order in which they ended. The connection stands before and after
    it, so that TLS's own messages are not among them."""
    body = bytes(size)
    target, sent = raw.signed("PUT", "/durable/object", keys.trio(keys.fresh()), body)
    connection = raw.connect()
    connection.request("GET", "/-/ready")
    connection.getresponse().read()
    with Strace(server, STORING + ANSWERS) as strace:
        connection.putrequest("PUT", target, skip_host=True, skip_accept_encoding=True)
        for name, value in [*sent, ("content-length", str(size))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
    connection.close()
    that(answer.status == 200, f"answered {answer.status}")
    lines = strace.output.read_text(errors="replace").splitlines()
    ended = [line for line in lines if "<unfinished ...>" not in line]
    found = [re.match(r"\d+ +(?:<\.\.\. )?(\w+)", line) for line in ended]
    return [call[1] for call in found if call]


def ordered(calls, syncs):
    """The answer is the last of the calls, and so many syncs ended before it. (The catalog writes pages by
    `writev`, too, and its last page through a descriptor that syncs by itself.)"""
    print(" ".join(calls))
    that(calls and calls[-1] in ANSWERS, "something was stored after the answer")
    done = sum(call in SYNCS for call in calls)
    that(done >= syncs, f"{done} syncs before the answer")


if __name__ == "__main__":
    main("durable", run)
