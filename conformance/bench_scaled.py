"""Contestants of `bench` beyond one machine: our server over PostgreSQL and a Ceph RADOS Gateway.

`pg-rgw` counts the front-end's CPU alone, `pg-rgw-all` the engines' behind it as well (PostgreSQL, gateway, OSD).
`share-1` and `share-2` are one and two front-ends, each held to a part of a core, so that they and not the
machine are what limits: what the second one adds is what a second machine would. Without such a limit all of it
shares the machine's few cores, and a second process there adds nothing. nginx hands connections to the two in turn.
Does not: replicate either engine.
"""
import contextlib
import os
import pathlib
import subprocess
import tempfile

import backends
import tools
from checks import Skip, that
from server import REGION, Server

SHARE_PERCENT = 20  # of a core, for each front-end whose growth is looked at
PERIOD_US = 10_000  # short, so that a throttled front-end's answers are late by milliseconds
GROWN = "G64M,P64M,G4K,P4K,R64K"
STREAM_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")
ENGINES = ("postgres", "radosgw", "ceph-osd")


@contextlib.contextmanager
def contestants(binary, command):
    """Starts the engines; pairs of what starts a contestant, and the options of the script it adds."""
    with backends.postgresql() as catalog, backends.rgw(command) as store:
        places = backends.environment(catalog, store, 1)
        yield [(lambda: Scaled("pg-rgw", binary, places), []),
               (lambda: Scaled("pg-rgw-all", binary, places, counted=ENGINES), []),
               (lambda: Scaled("share-1", binary, places, share=SHARE_PERCENT), ["--only", GROWN]),
               (lambda: Scaled("share-2", binary, places, fronts=2, share=SHARE_PERCENT), ["--only", GROWN])]


class Scaled:
    """Front-ends on those engines, as the fields of a contestant."""

    def __init__(self, name, binary, places, fronts=1, share=None, counted=()):
        self.name, self.share, self.counted, self.groups = name, share, counted, []
        with variables(places):
            self.server = Balanced(binary, fronts=fronts)

    def __enter__(self):
        self.server.__enter__()
        fronts = [self.server, *self.server.others]
        if self.share:
            self.groups = [Share(self.share, front.pid) for front in fronts]
        access, secret = self.server.credentials()
        pids = [*(front.pid for front in fronts), *map(oldest, self.counted)]
        return [self.name, self.server.endpoint, access, secret, REGION, ",".join(map(str, pids))]

    def __exit__(self, *error):
        self.server.__exit__(*error)
        for group in self.groups:
            group.remove()


@contextlib.contextmanager
def variables(added):
    """The environment with some more in it."""
    before = dict(os.environ)
    os.environ.update(added)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def oldest(program):
    """The process that was the first of a program; the others of PostgreSQL are its children."""
    return subprocess.run(["pgrep", "-o", "-x", program], capture_output=True, text=True, check=True).stdout.strip()


class Share:
    """A control group that gives a process a part of one core."""

    def __init__(self, percent, pid):
        root, quota = pathlib.Path("/sys/fs/cgroup"), PERIOD_US * percent // 100
        unified = (root / "cgroup.controllers").exists()
        self.path = (root if unified else root / "cpu") / f"strongroom-bench-{pid}"
        self.path.mkdir()
        if unified:
            (self.path / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        else:
            (self.path / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota))
        (self.path / "cgroup.procs").write_text(str(pid))

    def remove(self):
        """Its process has ended."""
        self.path.rmdir()


class Nginx:
    """A round robin by connection, as `forwarder.Forwarder` is, and as cheap as such a thing can be."""

    def __init__(self, port, ports):
        if not STREAM_MODULE.exists():
            raise Skip("no nginx with streams (apt-get install nginx libnginx-mod-stream)")
        self.directory = tempfile.TemporaryDirectory(prefix="bench-nginx-")
        upstream = " ".join(f"server 127.0.0.1:{each};" for each in ports)
        self.configuration = pathlib.Path(self.directory.name) / "nginx.conf"
        self.configuration.write_text(
            f"load_module {STREAM_MODULE}; daemon off; pid {self.directory.name}/pid; error_log {self.directory.name}/log;\n"
            f"events {{ worker_connections 4096; }}\n"
            f"stream {{ upstream fronts {{ {upstream} }} server {{ listen 127.0.0.1:{port}; proxy_pass fronts; }} }}\n")
        self.process = None

    def start(self):
        """Listens from now on."""
        self.process = subprocess.Popen([tools.program("nginx", "nginx"), "-c", self.configuration])

    def stop(self):
        """Ends, with every connection."""
        self.process.terminate()
        that(self.process.wait(10) == 0, "nginx ended badly")
        self.directory.cleanup()


class Balanced(Server):
    """A server whose front-ends stand behind nginx, since Python in front would be what is measured."""

    forwarder = Nginx
