"""Figures of a release build, beside any peer's: several rounds, one contestant after the other in each, on a
loopback of their own.

`--peerbench SCRIPT` is called as `SCRIPT NAME ENDPOINT ACCESS SECRET REGION PID [its own options]` and prints
JSON lines; what this lane does not know is handed on, such as `--secs 8 --only G64M` or `--plain`.
`--peer COMMAND`, any number of times, starts a peer inside the lane's network and prints as its last line
`NAME ENDPOINT ACCESS SECRET REGION PID[,PID]`. `--scaled COMMAND` adds our server over PostgreSQL and a Ceph
RADOS Gateway, which the command starts as `backends.py --rgw` says: see `bench_scaled`. `--sizes` adds a sweep of object sizes and its plot,
`--goals` what no workload of the script shows: see `bench_goals`.

Three things swamp figures on virtual machines, and are taken out: fresh memory (primed before each run), a
congestion control that paces the loopback (a network namespace with reno; root), neighbours (medians over the
rounds, and the spread beside them).
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import bench_goals
import bench_report
import bench_scaled
import bench_sizes
from checks import Lane
from server import REGION, Server

PRIMED_MIB = 1024
INSIDE = "STRONGROOM_BENCH_INSIDE"  # set once the lane runs in a network of its own


def main():
    """Starts, measures, reports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--peerbench", required=True)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--scaled")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="target/bench")
    parser.add_argument("--sizes", action="store_true")
    parser.add_argument("--goals", action="store_true")
    parser.add_argument("--gib", type=float, default=5.0)
    given, handed_on = parser.parse_known_args()
    lane = Lane("bench")
    if not shutil.which("wrk"):
        lane.skip("the benchmark", "no wrk (apt-get install wrk)")
        sys.exit(lane.close())
    network = enter_network()
    out = pathlib.Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    sizes, goals = [], []
    with contextlib.ExitStack() as engines:
        rows = measured(lane, given, handed_on, contestants(lane, given, engines))
    if given.sizes:
        with lane.check("the sweep of sizes"), own(given.bin) as contestant:
            prime()
            sizes = bench_sizes.sweep(contestant)
    if given.goals:
        with lane.check("the goals"):
            prime()
            goals = bench_goals.measure(given.bin, given.rounds, given.gib)
    with lane.check("the report"):
        about = {"network": network, "rounds": given.rounds, "options": handed_on}
        bench_report.write(out, (rows, sizes, goals), about)
    sys.exit(lane.close())


def contestants(lane, given, engines):
    """Who takes part: what starts each, and the options of the script that it adds."""
    starts = [(lambda: own(given.bin), [])]
    for command in given.peer:
        with lane.check(f"the peer of {command} starts"):
            fields = peer(command)
            starts.append((lambda fields=fields: contextlib.nullcontext(fields), []))
    if given.scaled:
        with lane.check("PostgreSQL and the gateway start"):
            starts += engines.enter_context(bench_scaled.contestants(given.bin, given.scaled))
    return starts


def measured(lane, given, handed_on, starts):
    """The rows of all rounds."""
    rows = []
    for number in range(given.rounds):
        for start, options in starts:
            with lane.check(f"round {number + 1}"), start() as contestant:
                prime()
                rows += [row | {"round": number} for row in script(given.peerbench, contestant, [*options, *handed_on])]
    return rows


def enter_network():
    """Runs this program again in a network namespace with reno; says what network it runs in."""
    control = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        control.write_text("reno\n")
        return "own namespace, reno"
    possible = shutil.which("unshare") and shutil.which("ip") and os.geteuid() == 0
    # Processes have a namespace, too, so that what a peer's command starts ends with the lane.
    unshare = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if possible and subprocess.run([*unshare, "true"], check=False).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", [*unshare, sys.executable, *sys.argv])
    print(f"no network namespace (root, unshare, ip): the host's loopback with {control.read_text().strip()}")
    return f"the host's, {control.read_text().strip()}"


def prime():
    """Has the hypervisor give the memory that the run's page cache will want, before it is timed."""
    path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"strongroom-prime-{os.getpid()}"
    block = bytes(1 << 20)
    with open(path, "wb") as file:
        for _ in range(PRIMED_MIB):
            file.write(block)
    path.unlink()


class own:  # noqa: N801 - read as a verb
    """Our server, as the fields of a contestant."""

    def __init__(self, binary):
        self.server = Server(binary)

    def __enter__(self):
        self.server.__enter__()
        access, secret = self.server.credentials()
        return ["strongroom", self.server.endpoint, access, secret, REGION, str(self.server.pid)]

    def __exit__(self, *error):
        self.server.__exit__(*error)


def peer(command):
    """Starts another server, for all rounds; the fields of a contestant, as its command says them. It ends with
    the lane's process namespace, or is its command's to end."""
    said = subprocess.run(shlex.split(command), check=True, stdout=subprocess.PIPE, text=True).stdout
    fields = said.strip().splitlines()[-1].split()
    if len(fields) != 6:
        raise ValueError(f"the last line of {command} is not NAME ENDPOINT ACCESS SECRET REGION PIDS")
    return fields


def script(path, contestant, options):
    """The script's JSON lines, shown as they come."""
    rows = []
    with subprocess.Popen([sys.executable, path, *contestant, *options], stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            print(line, end="")
            if line.startswith("{"):
                rows.append(json.loads(line))
    if run.returncode != 0:
        raise RuntimeError(f"{path} ended with {run.returncode}")
    return rows


if __name__ == "__main__":
    main()
