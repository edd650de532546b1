"""What clients see of a few names, put together and handed to the judge window by window.

Errors of the server and of the connection leave a write's outcome open, which forgives much: while nothing is disturbed
on purpose they are counted, and `Histories.answered` refuses more than `OPEN_SHARE_MAX` of them. Does not: ask anything,
`clients.py` does; judge, `linearizable.py` does; know versions, `version_histories.py` does.
"""
import collections
import itertools
import os
import random
import threading
import time

from clients import Client
from linearizable import FOREVER, NotLinearizable, Register
from writes import body_of

WEIGHTS = {"put": 20, "put_if_absent": 6, "put_if_match": 8, "copy": 10, "complete": 5, "delete": 7, "delete_if_match": 3,
           "delete_many": 5, "get": 24, "head": 10, "list_names": 8}
# Of the outcomes, while nothing is killed: one in a thousand. More of them, and a pass would say little of the rest.
OPEN_SHARE_MAX = 0.001
# So long after it was sent a request without an answer has had its effect, or never will: clients wait for two minutes,
# and a server tries a commit for one. To let it happen later would forgive more, and be searched for ever.
OPEN_SECONDS_MAX = 180


class Histories:
    """What is known of all names, and the clients that find it out."""

    def __init__(self, endpoints, clients=6, names=5, weights=None, seed=0, timeout=120):
        self.endpoints, self.names = endpoints, [f"c/{number}" for number in range(names)]
        self.weights = weights or WEIGHTS
        self.bucket = f"histories-{os.urandom(4).hex()}"  # a run begins with nothing
        self.numbers = itertools.count(1)
        self.registers = {name: Register() for name in self.names}
        self.holder_of, self.content_of, self.etag_of, self.etags = {}, {}, {}, set()
        self.latest = {}  # what was last seen under a name; only a hint
        self.fresh = {}  # name: (number, acknowledged); written once, for ever
        self.wrong, self.answers, self.acknowledged, self.operations = [], collections.Counter(), [], 0
        self.kinds = collections.Counter()
        self.is_calm = True  # nothing is disturbed on purpose
        self.clients = [self.client(random.Random(f"{seed} {number}"), number, timeout) for number in range(clients)]

    def client(self, chance, place, timeout):
        """A client of these histories."""
        return Client(self, chance, place, timeout)

    def make_bucket(self):
        """Makes the bucket."""
        answer = self.clients[0].raws[0].request("PUT", f"/{self.bucket}")
        assert answer.status == 200, answer

    def begin(self):
        """Starts the clients."""
        self.over = threading.Event()
        self.threads = [threading.Thread(target=client.work, args=(self.over,), daemon=True) for client in self.clients]
        for thread in self.threads:
            thread.start()

    def end(self):
        """Ends the clients and waits for what is under way."""
        self.over.set()
        for thread in self.threads:
            thread.join()

    def window(self, seconds):
        """Lets the clients work for so long, looks at every name once more, and checks."""
        self.begin()
        time.sleep(seconds)
        self.end()
        self.check()

    def check(self):
        """Raises what is wrong with the history up to now. All clients are idle."""
        last = self.clients[0]
        for name in self.names:
            last.look(name)
        per_name = {name: [] for name in self.names}
        for client in self.clients:
            for name, operation in client.made:
                per_name[name].append(operation)
            self.operations += len(client.made)
            client.made = []
        for name, operations in per_name.items():
            try:
                self.judge(name, operations)
            except NotLinearizable as error:
                self.wrong.append(f"{name}: {error}")
        if self.wrong:
            raise AssertionError(f"{len(self.wrong)} violations; the first: {self.wrong[0]}")

    def judge(self, name, operations):
        """Goes on with the history of a name by a window."""
        for operation in [*operations, *self.registers[name].unfinished]:
            is_unseen = operation.ended == FOREVER and operation.leaves is not None and operation.leaves not in self.etag_of
            operation.spare = self.holder_of[operation.leaves] if is_unseen else None
        self.registers[name].check(operations)
        over = time.monotonic_ns() - OPEN_SECONDS_MAX * 10**9
        for operation in [each for each in self.registers[name].unfinished if each.ended == FOREVER and each.begun < over]:
            self.registers[name].forget(operation)

    def answered(self):
        """How many outcomes there were in calm, and how many of them open; raises if that is too large a share."""
        asked, unknown = (sum(getattr(client, count) for client in self.clients) for count in ("outcomes", "open"))
        if unknown > asked * OPEN_SHARE_MAX:
            raise AssertionError(f"{unknown} of {asked} outcomes are open though nothing was killed; {OPEN_SHARE_MAX:.1%} may be")
        return asked, unknown

    def known(self, table, number, value):
        """Notes what a write is known by; it never changes."""
        if table is self.etag_of:
            self.etags.add(value)
        if table.setdefault(number, value) != value:
            self.wrong.append(f"write {number} had {table[number]!r} and now {value!r}")

    def read_fresh(self):
        """Every name that was written once, read whole; how many. An acknowledged one must be there."""
        missing, client = [], self.clients[0]
        for name, (number, acknowledged) in sorted(self.fresh.items()):
            answer = client.patiently("GET", name, client.headers(self.holder_of[number]))
            if answer.status == 404 and not acknowledged:
                continue
            if answer.status != 200 or answer.body != body_of(number):
                missing.append(f"{name}: {answer.status} {answer.code}, {len(answer.body)} bytes")
        if missing:
            raise AssertionError(f"{len(missing)} acknowledged objects are not there whole; the first: {missing[0]}")
        return len(self.fresh)
