"""Pages of a bucket of millions of keys, and HEAD among them, timed over one TLS connection.

The bucket is filled with sealed objects while no server runs, by the example `many_keys` of the crate
sealed-store: `--filler`, else the one built beside the binary. With `--data DIR` the data directory is
kept, and filled only if it is new. With `--moved-from DIR` the catalog of such a directory is moved by
`strongroom migrate` to a PostgreSQL of the lane's own, and asked there; the directory stays as it is.
"""
import contextlib
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import backends
from checks import main, same, that
from raw import Raw
from server import Server

BUCKET = "many"
PAGES = 400
MEDIAN_MS_MAX = 15.0  # by the clock: what a user waits, where nothing else has the machine
CPU_MS_MAX = 15.0  # of the server's CPU, which holds also where the machine is shared
TICKS = os.sysconf("SC_CLK_TCK")


def run(lane, given):
    """Fills or moves, then measures each kind of page at random places."""
    with (moved(given) if given.moved_from else filled(given)) as server:
        print(f"ready {server.start():.2f} s after the start")
        client = Client(server)
        for name, ask in kinds(given.count).items():
            with lane.check(name):
                measure(client, name, ask)


@contextlib.contextmanager
def filled(given):
    """A stopped server over the embedded catalog."""
    data = pathlib.Path(given.data) if given.data else None
    is_new = data is None or not data.exists()
    with Server(given.bin, data=data) as server:
        if is_new:
            server.boto3().create_bucket(Bucket=BUCKET)
        server.stop()
        if is_new:
            filler = given.filler or pathlib.Path(given.bin).parent / "examples" / "many_keys"
            subprocess.run([filler, str(server.data), BUCKET, str(given.count)], check=True)
        print(f"{size(server.data) / 2**30:.1f} GiB")
        yield server


@contextlib.contextmanager
def moved(given):
    """A stopped server over a PostgreSQL to which `given.moved_from` was moved."""
    with backends.postgresql() as catalog, tempfile.TemporaryDirectory(prefix="many-keys-") as scratch:
        data = pathlib.Path(scratch) / "data"
        begun = time.monotonic()
        subprocess.run([given.bin, "migrate", "--from", given.moved_from, "--to", data], stdin=subprocess.DEVNULL, check=True,
                       env=os.environ | {"STRONGROOM_TO_METADATA": catalog.url})
        print(f"moved in {time.monotonic() - begun:.0f} s; {database_size(catalog.url) / 2**30:.1f} GiB, WAL apart")
        server = Server(given.bin, data=data, environment={"STRONGROOM_METADATA": catalog.url})
        try:
            yield server
        finally:
            server.__exit__()


def database_size(url):
    """Bytes of a database, as PostgreSQL counts them."""
    asked = ["psql", url, "--no-psqlrc", "--tuples-only", "--command", "SELECT pg_database_size(current_database())"]
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def kinds(count):
    """What is asked, by name: method, path, query and what the answer must have, each at a random place."""
    rng = random.Random(5)

    def listing(**query):
        return "GET", f"/{BUCKET}", {"list-type": "2"} | query

    def key():
        return key_of(rng.randrange(count))

    def folder():
        return f"d{rng.randrange(count // 1000):06}/"

    return {
        "1,000 keys after a random key": lambda: listing(**{"start-after": key_of(rng.randrange(count - 1000))}),
        "1,000 folders at the root": lambda: listing(**{
            "delimiter": "/", "start-after": f"d{rng.randrange(max(1, count // 1000 - 1000)):06}/"}),
        "10 folders in a folder": lambda: listing(prefix=folder(), delimiter="/"),
        "100 keys of a deep prefix": lambda: listing(prefix=key().rpartition("/")[0] + "/", delimiter="/"),
        "1,000 keys rolled up in ones": lambda: listing(prefix=folder(), delimiter=".parquet"),
        "1,000 keys with a delimiter that none has": lambda: listing(
            delimiter="~", **{"start-after": key_of(rng.randrange(count - 1000))}),
        "1,000 keys, version 1": lambda: ("GET", f"/{BUCKET}", {"marker": key_of(rng.randrange(count - 1000))}),
        "1,000 versions": lambda: ("GET", f"/{BUCKET}", {"versions": "", "key-marker": key()}),
        "1,000 folders of versions": lambda: ("GET", f"/{BUCKET}", {"versions": "", "delimiter": "/"}),
        "a prefix of nothing": lambda: listing(prefix=f"e{rng.random()}", delimiter="/"),
        "HEAD of a random key": lambda: ("HEAD", f"/{BUCKET}/{key()}", {}),
    }


def key_of(number):
    """The name that the filler gives to this number."""
    return f"d{number // 1000:06}/e{number // 100 % 10}/object-{number:010}.parquet"


class Client:
    """Signed requests over one connection that stays."""

    def __init__(self, server):
        self.server, self.raw = server, Raw(server)
        self.connection = self.raw.connect()

    def ask(self, method, path, query):
        """Seconds from sending to the end of the answer, and the answer's body."""
        target, sent = self.raw.signed(method, path, query=query)
        begun = time.perf_counter()
        self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in sent:
            self.connection.putheader(name, value)
        self.connection.endheaders()
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - begun
        same(answer.status, 200, target)
        return took, body

    def cpu(self):
        """Seconds of CPU that the server has used."""
        fields = pathlib.Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def measure(client, name, ask):
    """One line: entries of the last page, then milliseconds of median, 99th percentile and worst."""
    for _ in range(5):
        client.ask(*ask())
    before, times = client.cpu(), []
    for _ in range(PAGES):
        took, body = client.ask(*ask())
        times.append(took * 1000)
    cpu = (client.cpu() - before) * 1000 / PAGES
    times.sort()
    median, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    shown = sum(body.count(tag) for tag in (b"<Contents>", b"<CommonPrefixes>", b"<Version>"))
    print(f"{name}: {shown} entries, median {median:.2f} ms, p99 {p99:.2f}, worst {times[-1]:.2f}, "
          f"server's CPU {cpu:.2f} ms")
    that(cpu < CPU_MS_MAX, f"a page cost {cpu:.1f} ms of CPU")
    that(median < MEDIAN_MS_MAX, f"a page took {median:.1f} ms")


def size(directory):
    """Bytes on disk below a directory."""
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


if __name__ == "__main__":
    main("many_keys", run, count=5_000_000, filler="", data="", moved_from="")
