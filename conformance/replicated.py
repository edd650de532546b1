"""PostgreSQL with a synchronous replica: two instances under Patroni, and etcd, on this machine's loopback.

The set-up is the one that Patroni's manual describes for clusters that must lose nothing: `synchronous_mode`, failover to
the synchronous replica only, and the lost primary comes back as a replica by pg_rewind. Patroni is installed from pinned
versions into an environment of its own. `Cluster.kill` ends the primary as a crash of PostgreSQL or of its machine does.
Does not: what a real set-up has besides, three etcd members and machines that fail apart.
"""
import contextlib
import http.client
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time

import tools
from backends import Elsewhere, as_database_user, database_user, owned_directory, postgresql_binaries
from checks import Skip
from server import free_port

REQUIREMENTS = ("patroni[etcd3]==4.1.5", "psycopg[binary]==3.3.9")
STEADY_SECONDS_MAX = 180  # a cluster from nothing, or a lost primary's return, on a busy machine
# Patroni's smallest lease, and times that fit into it (loop_wait + 2 retry_timeout <= ttl).
TIMES = {"ttl": 20, "loop_wait": 2, "retry_timeout": 5, "primary_start_timeout": 0}


class Node:
    """One instance of PostgreSQL and its Patroni."""

    def __init__(self, cluster, name):
        self.cluster, self.name, self.directory = cluster, name, cluster.directory / name
        self.port, self.rest_port, self.patroni = free_port(), free_port(), None

    def start(self):
        """Starts Patroni, which starts PostgreSQL."""
        file = self.directory / "patroni.json"
        if not file.exists():
            self.directory.mkdir(mode=0o700)
            file.write_text(json.dumps(self.settings()))
            self.cluster.own(self.directory, file)
        with open(self.directory / "log", "ab") as log:
            command = as_database_user("env", f"PYTHONPATH={self.cluster.packages}", self.cluster.python, "-m", "patroni", file)
            # A group of its own, so that what the user's switch leaves behind is met, too.
            self.patroni = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                                            start_new_session=True)

    def settings(self):
        """Patroni's configuration."""
        cluster, address = self.cluster, f"127.0.0.1:{self.port}"
        users = {role: {"username": name, "password": cluster.password}
                 for role, name in (("superuser", "postgres"), ("replication", "replicator"), ("rewind", "rewinder"))}
        anyone = "127.0.0.1/32 scram-sha-256"
        return {
            "scope": "lane", "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.rest_port}", "connect_address": f"127.0.0.1:{self.rest_port}"},
            "etcd3": {"hosts": [f"127.0.0.1:{cluster.etcd_port}"]},
            "bootstrap": {
                "dcs": TIMES | {"synchronous_mode": True, "postgresql": {
                    "use_pg_rewind": True, "use_slots": True,
                    "parameters": {"max_connections": 300, "synchronous_commit": "on", "wal_keep_size": "256MB"}}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"]},
            "postgresql": {
                "listen": address, "connect_address": address, "data_dir": str(self.directory / "data"),
                "bin_dir": str(cluster.binaries), "pgpass": str(self.directory / "pgpass"), "authentication": users,
                "pg_hba": ["local all all scram-sha-256", f"host all all {anyone}", f"host replication replicator {anyone}"],
                "parameters": {"unix_socket_directories": str(self.directory), "password_encryption": "scram-sha-256"}},
            "tags": {},
        }

    def members(self):
        """What Patroni says of the cluster, or nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=5)
        try:
            connection.request("GET", "/cluster")
            return json.loads(connection.getresponse().read()).get("members", [])
        except (OSError, http.client.HTTPException, ValueError):
            return []
        finally:
            connection.close()

    def postgres_processes(self):
        """The postmaster and its children."""
        try:
            postmaster = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return []
        return [postmaster, *children(postmaster)] if pathlib.Path(f"/proc/{postmaster}").exists() else []

    def kill(self, machine):
        """`kill -9` of PostgreSQL; with `machine` also of its Patroni, and before it."""
        if machine and self.patroni:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.patroni.pid, signal.SIGKILL)
            self.patroni.wait()
            self.patroni = None
        for process in self.postgres_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


class Cluster:
    """The two nodes and etcd. Use as a context manager; `url` is for `--metadata`."""

    def __init__(self):
        self.binaries, self.etcd_program = postgresql_binaries(), tools.program("etcd", "etcd-server")
        environment = tools.python_environment("patroni", *REQUIREMENTS)
        self.packages = next(environment.parent.glob("lib/python*/site-packages"))
        self.python = usable_python(environment)
        self.directory, self.password = owned_directory("lane-patroni-"), secrets.token_hex(16)
        self.etcd_port, self.etcd = free_port(), None
        self.nodes = [Node(self, "one"), Node(self, "two")]

    def own(self, *paths):
        """Gives paths to PostgreSQL's user."""
        if os.getuid() == 0:
            for path in paths:
                shutil.chown(path, self.directory.owner())

    def __enter__(self):
        try:
            self.start_etcd()
            for node in self.nodes:
                node.start()
            self.steady()
            self.make_database()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def start_etcd(self):
        """One member: what may fail here is PostgreSQL."""
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{free_port()}"
        with open(self.directory / "etcd.log", "ab") as log:
            self.etcd = subprocess.Popen(
                [self.etcd_program, "--name", "lane", "--data-dir", self.directory / "etcd", "--listen-client-urls", client,
                 "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", f"lane={peer}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def steady(self):
        """Waits for a primary with a synchronous replica; the primary."""
        until = time.monotonic() + STEADY_SECONDS_MAX
        while time.monotonic() < until:
            for node in self.nodes:
                members = node.members()
                roles = {member["name"]: (member["role"], member["state"]) for member in members}
                leaders = [name for name, (role, state) in roles.items() if role == "leader" and state == "running"]
                if leaders and ("sync_standby", "streaming") in roles.values():
                    return next(node for node in self.nodes if node.name == leaders[0])
            time.sleep(0.5)
        logs = {node.name: (node.directory / "log").read_text(errors="replace")[-1500:] for node in self.nodes}
        raise AssertionError(f"no primary with a synchronous replica after {STEADY_SECONDS_MAX} s: {logs}")

    def make_database(self):
        """The role and database of the catalog."""
        primary = self.steady()
        for text in (f"CREATE ROLE strongroom LOGIN PASSWORD '{self.password}'", "CREATE DATABASE strongroom OWNER strongroom"):
            self.sql(primary, text)

    def configure(self, settings):
        """Applies settings of Patroni's dynamic configuration, as `patronictl edit-config` does; waits until they are at work."""
        file = self.directory / "settings.yml"
        file.write_text(settings)
        self.own(file)
        word = ["env", f"PYTHONPATH={self.packages}", self.python, "-c", "from patroni.ctl import ctl; ctl()", "-c",
                self.nodes[0].directory / "patroni.json"]
        for words in (["edit-config", "--apply", file, "--force"], ["show-config"]):
            ended = subprocess.run(as_database_user(*word, *words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                   cwd=self.directory, check=False)
            if ended.returncode:
                raise AssertionError(f"patronictl {words[0]}: {ended.stdout[-500:]} {ended.stderr[-1500:]}")
        time.sleep(2 * TIMES["loop_wait"])
        self.steady()
        return ended.stdout

    def sql(self, node, text):
        """The answer of one statement."""
        ended = subprocess.run([self.binaries / "psql", "-X", "-At", "-h", "127.0.0.1", "-p", str(node.port), "-U", "postgres",
                                "-d", "postgres", "-c", text], env=os.environ | {"PGPASSWORD": self.password}, capture_output=True,
                               text=True, timeout=60, check=False)
        if ended.returncode:
            raise AssertionError(f"psql: {ended.stderr[-500:]}")
        return ended.stdout.strip()

    def kill(self, machine):
        """Kills the primary; the node."""
        primary = self.steady()
        primary.kill(machine)
        return primary

    def restore(self):
        """Starts what was killed and waits until there is a replica again."""
        for node in self.nodes:
            if node.patroni is None:
                node.start()
        return self.steady()

    def elsewhere(self):
        """The catalog, for servers."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return Elsewhere(f"postgres://strongroom:{self.password}@{hosts}/strongroom?sslmode=disable")

    def end(self):
        """Ends everything."""
        for node in self.nodes:
            node.kill(machine=True)
        if self.etcd:
            self.etcd.kill()
            self.etcd.wait()
        time.sleep(0.5)
        shutil.rmtree(self.directory, ignore_errors=True)


def usable_python(environment):
    """A Python of this one's version that PostgreSQL's user may run: root's own may lie where nobody else may look."""
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (environment / "python", "/usr/bin/python3", f"/usr/bin/python{wanted}"):
        command = as_database_user(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if told.returncode == 0 and told.stdout.strip() == wanted:
            return python
    raise Skip(f"no Python {wanted} that {database_user()} may run (apt-get install python3)")


def children(parent):
    """The processes that a process started."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found
