"""pgBackRest with repo-s3-sse-customer-key: a small PostgreSQL cluster archived, backed up, destroyed and restored."""
import configparser
import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import botocore.exceptions

import keys
import tools
from checks import Skip, main, same, that
from server import REGION, Server, free_port

BUCKET = "pgbackrest-lane"


def run(lane, given):
    """All checks."""
    program = tools.program("pgbackrest", "pgbackrest")
    told = subprocess.run([program, "help", "backup", "repo-s3-sse-customer-key"], capture_output=True, text=True, timeout=30)
    if told.returncode:
        version = subprocess.run([program, "version"], capture_output=True, text=True, timeout=30).stdout.strip()
        raise Skip(f"{version} has no repo-s3-sse-customer-key (needs 2.52 or newer)")
    binaries = postgresql()
    with Server(given.bin) as server, cluster(server, program, binaries) as database:
        s3 = server.boto3()
        s3.create_bucket(Bucket=BUCKET)
        backups(lane, database)
        sealed(lane, s3, database.key)
        restored(lane, database)


def postgresql():
    """The directory of PostgreSQL's programs: Debian keeps most of them off the PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else pathlib.Path(tools.program("initdb", "postgresql")).parent


class Cluster:
    """A PostgreSQL cluster in a directory that its user owns; PostgreSQL refuses to run as root."""

    def __init__(self, work, server, program, binaries):
        self.work, self.program, self.binaries, self.key = work, program, binaries, keys.fresh()
        self.data, self.port = work / "data", str(free_port())
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        shutil.copy(server.ca, work / "ca.pem")
        self.configure(server)

    def configure(self, server):
        """pgbackrest.conf: everything at other places than the system's."""
        access, secret = server.credentials()
        conf = configparser.RawConfigParser()
        conf["global"] = {
            "repo1-type": "s3", "repo1-s3-bucket": BUCKET, "repo1-s3-endpoint": f"127.0.0.1:{server.port}", "repo1-s3-uri-style": "path",
            "repo1-s3-region": REGION, "repo1-s3-key": access, "repo1-s3-key-secret": secret, "repo1-storage-ca-file": self.work / "ca.pem",
            "repo1-s3-sse-customer-key": keys.b64(self.key), "repo1-path": "/repository", "repo1-retention-full": "2", "start-fast": "y",
            "log-level-file": "off", "log-level-console": "warn", "lock-path": self.work / "lock", "spool-path": self.work / "spool",
        }
        conf["lane"] = {"pg1-path": self.data, "pg1-port": self.port, "pg1-socket-path": self.work}
        with open(self.work / "pgbackrest.conf", "w") as file:
            conf.write(file, space_around_delimiters=False)

    def call(self, *words):
        """Runs a program as the cluster's user; its standard output."""
        switch = ["runuser", "-u", self.user, "--"] if os.getuid() == 0 else []
        # Files, not pipes: the postmaster keeps what it inherits open, and a pipe would never end.
        with open(self.work / "out", "w+") as out:
            ended = subprocess.run([*switch, *map(str, words)], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.work,
                                   timeout=300, check=False)
            out.seek(0)
            text = out.read()
        same(ended.returncode, 0, f"{words}: {text[-2000:]}")
        return text

    def pgbackrest(self, *words):
        """pgBackRest on this cluster's stanza."""
        return self.call(self.program, f"--config={self.work / 'pgbackrest.conf'}", "--stanza=lane", *words)

    def ctl(self, *words):
        """pg_ctl."""
        return self.call(self.binaries / "pg_ctl", "-D", self.data, "-w", "-l", self.work / "postgres.log", *words)

    def sql(self, text):
        """The answer of one statement."""
        return self.call(self.binaries / "psql", "-X", "-At", "-h", self.work, "-p", self.port, "-d", "postgres", "-c", text).strip()

    def create(self):
        """A new cluster that archives through pgBackRest."""
        self.call(self.binaries / "initdb", "-D", self.data, "-A", "trust", "--no-sync")
        archive = f"{self.program} --config={self.work}/pgbackrest.conf --stanza=lane archive-push %p"
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.work}'\nport = {self.port}\nfsync = off\n"
                       f"archive_mode = on\narchive_command = '{archive}'\n")


@contextlib.contextmanager
def cluster(server, program, binaries):
    """A cluster that ends with the lane."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-pg-"))
    database = Cluster(work, server, program, binaries)
    if os.getuid() == 0:
        for path in (work, *work.iterdir()):
            shutil.chown(path, database.user, database.user)
    try:
        yield database
    finally:
        with contextlib.suppress(AssertionError):
            database.ctl("stop", "-m", "immediate")
        shutil.rmtree(work, ignore_errors=True)


def backups(lane, database):
    """A full backup, then an incremental one, with WAL archived between."""
    with lane.check("a cluster, its stanza and its archive"):
        database.create()
        database.ctl("start")
        database.pgbackrest("stanza-create")
        database.pgbackrest("check")
    with lane.check("a full backup"):
        database.sql("create table kept as select n, md5(n::text) as sum from generate_series(1, 100000) n")
        database.pgbackrest("--type=full", "backup")
    with lane.check("an incremental backup"):
        database.sql("insert into kept select n, md5(n::text) from generate_series(100001, 120000) n")
        database.pgbackrest("--type=incr", "backup")
    with lane.check("what is written after the backup comes back from the archive"):
        database.sql("insert into kept values (0, 'the last row')")
        database.sql("select pg_switch_wal()")
        database.pgbackrest("check")


def sealed(lane, s3, key):
    """Everything in the repository is under the customer key."""
    with lane.check("every file of the repository opens with the key and with no other"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        names = [row["Key"] for page in pages for row in page.get("Contents", [])]
        that(len(names) > 10, f"only {names}")
        for name in names[:50]:
            same(s3.head_object(Bucket=BUCKET, Key=name, **keys.boto(key))["SSECustomerAlgorithm"], "AES256")
            for held, status in (({}, 400), (keys.boto(keys.fresh()), 403)):
                try:
                    s3.head_object(Bucket=BUCKET, Key=name, **held)
                    raise AssertionError(f"{name} answers {status} no longer")
                except botocore.exceptions.ClientError as error:
                    same(error.response["ResponseMetadata"]["HTTPStatusCode"], status, name)


def restored(lane, database):
    """The cluster destroyed, restored and read."""
    with lane.check("restore"):
        wanted = database.sql("select count(*), md5(string_agg(sum, '' order by n)) from kept")
        that(wanted.startswith("120001|"), wanted)
        database.ctl("stop", "-m", "fast")
        shutil.rmtree(database.data)
        database.call("mkdir", "-m", "700", database.data)
        database.pgbackrest("restore")
        database.ctl("start")
        same(database.sql("select count(*), md5(string_agg(sum, '' order by n)) from kept"), wanted)
    with lane.check("verify and expire"):
        database.pgbackrest("verify")
        database.pgbackrest("--type=full", "backup")
        database.pgbackrest("--repo1-retention-full=1", "expire")


if __name__ == "__main__":
    main("pgbackrest", run)
