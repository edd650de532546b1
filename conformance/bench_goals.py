"""The goals that the workloads of `bench` do not show: what a customer key costs beside none, 64 connections,
memory under all of it, and a new key for a large object on a server that has just started.

A goal that is missed is shown and fails nothing: a busy machine misses all of them.
"""
import os
import random
import shutil
import statistics
import time

import big
import bench_sizes
import keys
from checks import same, that
from raw import Raw
from server import Server

KIB, MIB = 1 << 10, 1 << 20
CONNECTIONS = 64
STARTS = 5  # of the server, each followed by a first new key
LATER = 5  # new keys after that first
LISTED = 1000
RANGE = "bytes=7000001-7065536"  # 64 KiB across the borders of chunks


def measure(binary, rounds, gib):
    """One row a goal."""
    rows = []
    with Server(binary) as server:
        asked = Asked(server)
        for size, connections in ((4 * KIB, 32), (64 * MIB, 4)):
            rows += beside_none(asked, size, connections, rounds)
        rows += small_puts(asked, rounds)
    with Server(binary) as server:
        rows += memory(Asked(server), server.pid)
    with Server(binary) as server:
        if shutil.disk_usage(server.scratch).free < int(gib * 1024 + 1024) * MIB:
            print(f"no {gib} GiB free in {server.scratch.parent} (set TMPDIR): no new key for a large object")
        else:
            rows += new_key(server, gib)
    return rows


def goal(name, figures, unit, most=None, least=None):
    """A row: the median and the spread of its figures, and whether the median is as wanted, if anything is."""
    middle = statistics.median(figures)
    met = (most is None or middle <= most) and (least is None or middle >= least)
    bounds = [f"{word} {bound:g}" for word, bound in (("at most", most), ("at least", least)) if bound is not None]
    wanted = ", ".join(bounds)
    row = {"goal": name, "unit": unit, "median": round(middle, 3), "lowest": round(min(figures), 3),
           "highest": round(max(figures), 3), "wanted": wanted, "met": met}
    print(row, flush=True)
    return row


class Asked:
    """Presigned requests of one server, sent by wrk."""

    def __init__(self, server):
        self.server = server
        self.client = server.boto3(signature_version="s3v4", s3={"addressing_style": "path"},
                                   request_checksum_calculation="when_required")
        self.key = keys.fresh()
        self.client.create_bucket(Bucket="goals")

    def put(self, name, size, sealed=True):
        """The object that is read."""
        self.client.put_object(Bucket="goals", Key=name, Body=random.randbytes(size), **self.fields(sealed))

    def fields(self, sealed):
        """The parameters of the SDK."""
        return keys.boto(self.key) if sealed else {}

    def run(self, operation, parameters, connections, seconds, **extra):
        """What wrk counted of one GET, or of PUTs to many keys, and the server's CPU in µs a request.
        `extra`: `sealed`, `headers`, `body`; `unfinished`, if none need come to its end."""
        sealed, body = extra.get("sealed", True), extra.get("body")
        written = range(bench_sizes.written(len(body))) if body else []
        each = [{"Key": f"{parameters['Key']}/{number:03}"} for number in written] or [{}]
        asked = [{"Bucket": "goals"} | parameters | one | self.fields(sealed) for one in each]
        urls = [self.client.generate_presigned_url(operation, Params=one, ExpiresIn=36000) for one in asked]
        headers = (keys.trio(self.key) if sealed else {}) | extra.get("headers", {})
        pid, endpoint = str(self.server.pid), self.server.endpoint
        request = ("PUT" if body else "GET", [url.removeprefix(endpoint) for url in urls], headers, body)
        before = bench_sizes.cpu(pid)
        done = bench_sizes.wrk(endpoint, request, connections, seconds)
        that(not done["failed"], f"{operation} {parameters}: {done}")
        that(done["requests"] or extra.get("unfinished"), f"{operation} {parameters}: none was answered")
        done["cpu_us"] = (bench_sizes.cpu(pid) - before) / max(1, done["requests"]) * 1e6
        done["per_second"] = done["requests"] / done["us"] * 1e6
        return done


def beside_none(asked, size, connections, rounds):
    """The CPU of a GET with a customer key, in parts of that of the same GET without; and the median time of
    small ones."""
    name = f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"
    asked.put("sealed", size)
    asked.put("plain", size, sealed=False)
    ratios, middles = [], []
    for number in range(rounds):
        # Whoever runs first meets the colder machine: they take turns.
        order = [("sealed", True), ("plain", False)][:: 1 if number % 2 else -1]
        cost = {}
        for key, sealed in order:
            done = asked.run("get_object", {"Key": key}, connections, 4, sealed=sealed)
            cost[key] = done["cpu_us"]
            if sealed:
                middles.append(done["p50_us"] / 1000)
        ratios.append(cost["sealed"] / cost["plain"])
    rows = [goal(f"GET {name}, SSE-C beside none", ratios, "CPU ratio", most=1.15)]
    if size < MIB:
        rows.append(goal(f"GET {name}, {connections} connections, p50", middles, "ms", most=2))
    return rows


def small_puts(asked, rounds):
    """Durable PUTs of 4 KiB on 64 connections."""
    body = random.randbytes(4 * KIB)
    done = [asked.run("put_object", {"Key": "put"}, CONNECTIONS, 4, body=body) for _ in range(rounds)]
    name = f"PUT 4 KiB, {CONNECTIONS} connections"
    return [goal(name, [one["per_second"] for one in done], "a second", least=5000),
            goal(name, [one["cpu_us"] for one in done], "CPU-µs", most=100)]


def memory(asked, pid):
    """The peak of anonymous memory while every workload runs on 64 connections, one after the other."""
    asked.put("large", 64 * MIB)
    for number in range(LISTED):
        asked.put(f"small/{number:04}", 1 * KIB)
    # wrk encrypts a whole body at a time: with 64 MiB, its handshakes time out while it does.
    large, small = random.randbytes(8 * MIB), random.randbytes(4 * KIB)
    watch = big.Watch(pid)
    try:
        asked.run("get_object", {"Key": "large"}, CONNECTIONS, 8, unfinished=True)
        asked.run("put_object", {"Key": "written"}, CONNECTIONS, 8, body=large, unfinished=True)
        asked.run("get_object", {"Key": "small/0007"}, CONNECTIONS, 4)
        asked.run("put_object", {"Key": "small/0008"}, CONNECTIONS, 4, body=small)
        asked.run("get_object", {"Key": "large", "Range": RANGE}, CONNECTIONS, 4, headers={"range": RANGE})
        asked.run("list_objects_v2", {"Prefix": "small/"}, CONNECTIONS, 4, sealed=False)
    finally:
        peak = watch.stop()
    return [goal(f"memory, {CONNECTIONS} connections, all workloads", [peak], "MiB", most=150)]


def new_key(server, gib):
    """A new customer key by CopyObject onto itself: the first request of a server that has just started, and
    later ones on the same connection. Each ends with two syncs of the disk, which are timed beside it: on a disk
    that others keep busy they are nearly all of it."""
    key, blocks = keys.fresh(), int(gib * 1024)
    raw = Raw(server)
    same(raw.request("PUT", "/big").status, 200)
    big.put(raw, keys.trio(key), blocks, random.Random(9).randbytes(MIB))
    first, later, syncs = [], [], []
    for _ in range(STARTS):
        server.stop()
        server.start()
        connection = raw.connect()
        # The handshake is the connection's and not the copy's.
        connection.request("GET", "/-/ready")
        connection.getresponse().read()
        for number in range(1 + LATER):
            fresh = keys.fresh()
            (later if number else first).append(rekeyed(raw, connection, key, fresh))
            syncs.append(two_syncs(server.scratch / "probe"))
            key = fresh
        connection.close()
    return [goal(f"a new key for {gib:g} GiB, first after a start", first, "ms", most=20),
            goal(f"a new key for {gib:g} GiB, later ones", later, "ms", most=20),
            goal("two synced writes of 4 KiB to the same disk", syncs, "ms")]


def two_syncs(path):
    """Milliseconds of two synced writes, one after the other, to a file that has its size."""
    if not path.exists():
        path.write_bytes(bytes(2 * 4 * KIB))
    with open(path, "r+b", buffering=0) as file:
        begun = time.monotonic()
        for _ in range(2):
            file.write(os.urandom(4 * KIB))
            os.fdatasync(file.fileno())
        return (time.monotonic() - begun) * 1000


def rekeyed(raw, connection, key, fresh):
    """Milliseconds until the copy was answered."""
    headers = {**keys.source_trio(key), **keys.trio(fresh), "x-amz-copy-source": "/big/object"}
    return raw.copied(connection, "/big/object", headers) * 1000


def markdown(rows):
    """One line a goal."""
    lines = ["", "| Goal | Median | Lowest to highest | Wanted | |", "|---|---|---|---|---|"]
    for row in rows:
        unit, met = row["unit"], "" if not row["wanted"] else "met" if row["met"] else "missed"
        lines.append(f"| {row['goal']} | {row['median']:g} {unit} | {row['lowest']:g} to {row['highest']:g} "
                     f"| {row['wanted']} | {met} |")
    return "\n".join(lines) + "\n"
