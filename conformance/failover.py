"""`kill -9` under load of each front-end in turn, and of the primary of a replicated PostgreSQL, again and again.

After each kill writes are acknowledged again, without any other process having been restarted; the history of every
name is linearizable, so no acknowledged write is lost or comes back; names that are written once are all there, and
every body is whole. What was under way has either happened or not; before a kill next to no outcome may be open. The
longest time without an acknowledged write is measured for each round: of a front-end as its clients go on to the others
(or wait for it, where it is the only one), of the primary as PostgreSQL's crash and as its machine's, in turn.

`--rounds N` is how often each is killed. Needs PostgreSQL and etcd; `--blobs` and `--rgw` as in `backends.py`.
"""
import os
import random
import signal
import time

import backends
import tools
from checks import main, that
from consistency import endpoint_of
from histories import WEIGHTS, Histories
from replicated import TIMES, Cluster
from server import Server

RESUME_SECONDS_MAX = 90  # Patroni's lease, a promotion, and what a busy machine adds
RESUMED = 30  # acknowledged writes that began after the kill
BEFORE_SECONDS, AFTER_SECONDS = (1.0, 3.0), 2.0


def run(lane, given):
    """The rounds."""
    tools.program("etcd", "etcd-server")
    backends.postgresql_binaries()
    seed = given.seed or random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}; Patroni's times: {TIMES}")
    blobs = given.blobs or ("rgw" if given.rgw else "strongroom")
    with backends.blobs(blobs, given.bin, given.rgw) as store, Cluster() as cluster:
        os.environ.update(backends.environment(cluster.elsewhere(), store, given.fronts))
        with Server(given.bin) as server:
            Rounds(lane, server, cluster, random.Random(seed)).all(given.rounds)


class Rounds:
    """One load, killed under again and again."""

    def __init__(self, lane, server, cluster, chance):
        self.lane, self.server, self.cluster, self.chance = lane, server, cluster, chance
        endpoints = [endpoint_of(server, url) for url in server.endpoints]
        self.histories = Histories(endpoints, clients=6, names=8, weights=WEIGHTS | {"put_fresh": 25}, seed=chance.random())
        self.gaps = {}

    def all(self, rounds):
        """Every round, and the sum."""
        self.histories.make_bucket()
        fronts = [self.server, *self.server.others]
        for number in range(rounds):
            self.round(f"front-end {number + 1}", "a front-end", lambda: self.kill_front(fronts[number % len(fronts)]))
            machine = number % 2 == 1
            what = "the primary's machine" if machine else "the primary's PostgreSQL"
            self.round(f"primary {number + 1}", what, lambda: self.kill_primary(machine))
        with self.lane.check("every name that was written once is there, whole"):
            print(f"{self.histories.read_fresh()} names written once, {self.histories.operations} operations on the others")
        with self.lane.check("the load was a load"):
            print(f"answers: {dict(sorted(self.histories.answers.items()))}")
            that(len(self.histories.acknowledged) > 100 * rounds, f"only {len(self.histories.acknowledged)} acknowledged writes")
        with self.lane.check("next to no outcome is open but for the kills"):
            asked, unknown = self.histories.answered()
            print(f"{unknown} of {asked} outcomes before the kills are open")
        for what, gaps in self.gaps.items():
            ordered = sorted(gaps)
            print(f"{what} killed {len(gaps)} times: longest seconds without an acknowledged write: median "
                  f"{ordered[len(ordered) // 2]:.1f}, worst {ordered[-1]:.1f}")

    def round(self, name, what, kill):
        """One kill under load, and the judgement."""
        with self.lane.check(name):
            before = {front.pid for front in (self.server, *self.server.others)}
            self.histories.is_calm = True
            self.histories.begin()
            time.sleep(self.chance.uniform(*BEFORE_SECONDS))
            self.histories.is_calm = False
            killed, restore = time.monotonic_ns(), kill()
            try:
                gap = self.resumed(killed)
                time.sleep(AFTER_SECONDS)
            finally:
                self.histories.end()
                after = {front.pid for front in (self.server, *self.server.others)}
                restore()
            self.gaps.setdefault(what, []).append(gap)
            print(f"{what} killed: {gap:.2f} s without an acknowledged write")
            if what != "a front-end":
                that(before == after, "a front-end was restarted")
            self.histories.check()
            self.histories.read_fresh()

    def kill_front(self, front):
        """Kills a front-end; what brings it back. The only one is started again at once."""
        front.kill_this()
        if len(self.histories.endpoints) == 1:
            front.start_this()
            return lambda: None
        return front.start_this

    def kill_primary(self, machine):
        """Kills the primary; what brings it back as a replica."""
        self.cluster.kill(machine)
        return self.cluster.restore

    def resumed(self, killed):
        """Waits until writes are acknowledged again; the longest time without one, in seconds."""
        until = time.monotonic() + RESUME_SECONDS_MAX
        while time.monotonic() < until:
            ended = sorted(moment for moment in list(self.histories.acknowledged) if moment > killed - 10**9)
            later = [moment for moment in ended if moment > killed]
            gaps = [(b - a) / 1e9 for a, b in zip([killed, *later], later)]
            if len(later) >= RESUMED and time.monotonic_ns() - killed > 5 * 10**9:
                return max(gaps)
            time.sleep(0.2)
        raise AssertionError(f"no writes were acknowledged within {RESUME_SECONDS_MAX} s of the kill: {self.server.log()[-1500:]}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, backends.end_well)
    main("failover", run, rounds=20, seed=0, fronts=2, blobs="", rgw="")
