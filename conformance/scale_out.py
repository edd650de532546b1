"""The pages on moving and on running beyond one machine, typed in: their own commands, in the order in which one needs them.

The commands are taken from `docs/operations/migrate.md` and `scale-out.md` as they stand there; only names of machines,
files and secrets are exchanged for those of this lane, and each of these must be on a page. An embedded store moves to
PostgreSQL and an object store, is served, served behind PgBouncer, backed up while it is written to, lost, and restored
from the base backup and from the dump; each time everything that a client put by then must be there, by its key. Under
Patroni the page's configuration is applied. PostgreSQL speaks TLS here.

`--blobs rgw --rgw COMMAND` takes a Ceph RADOS Gateway for the object store, else it is another strongroom. Needs
`postgresql` and `rclone`; `pgbouncer` and `etcd-server` for their part. Does not: take machines from each other.
"""
import contextlib
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import backends
import checks
import tools
from backends import as_database_user, owned_directory, postgresql_binaries
from migrate import BUCKET, Stock
from server import Server, free_port

COMMAND_SECONDS_MAX = 600
GRACE = {"STRONGROOM_REMOVAL_GRACE_SECONDS": "3600"}


class Page:
    """A page's commands."""

    def __init__(self, name):
        self.text = (checks.ROOT / "docs" / "operations" / f"{name}.md").read_text()

    def block(self, language, containing):
        """The one block of commands in a language that has these words."""
        found = [block for block in re.findall(rf"^```{language}\n(.*?)^```", self.text, re.M | re.S) if containing in block]
        checks.same(len(found), 1, f"blocks with `{containing}`")
        return found[0]

    def quoted(self, beginning):
        """Words that stand in backquotes in the text."""
        found = re.findall(rf"`({re.escape(beginning)}[^`]*)`", self.text)
        checks.that(found, f"nothing in backquotes begins with `{beginning}`")
        return found[0]


MOVE, SCALE = Page("migrate"), Page("scale-out")


class Postgres:
    """A PostgreSQL of this lane's own, over TLS. `start` on a directory that is there takes that."""

    def __init__(self, directory, ca):
        self.directory, self.ca, self.port, self.password = directory, ca, free_port(), secrets.token_hex(16)
        self.binaries = postgresql_binaries()

    def make(self):
        """Makes a cluster, with the user `postgres`."""
        secret = self.directory.with_name("password")
        secret.write_text(self.password)
        own(secret)
        self.call("initdb", "-D", self.directory, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8",
                  "--locale", "C")
        for name in ("server.crt", "server.key"):
            shutil.copy(self.ca.parent / name, self.directory / name)
            own(self.directory / name)
            (self.directory / name).chmod(0o600)

    def start(self):
        """Starts it."""
        options = f"-k {self.directory} -p {self.port} -c listen_addresses=127.0.0.1 -c ssl=on -c max_connections=100"
        self.call("pg_ctl", "-D", self.directory, "-w", "-t", "120", "-l", self.directory.with_name(self.directory.name + ".log"),
                  "-o", options, "start")

    def stop(self):
        """Stops it, if it runs."""
        if (self.directory / "postmaster.pid").exists():
            self.call("pg_ctl", "-D", self.directory, "-w", "-m", "immediate", "stop")

    def call(self, program, *words):
        """Runs one of PostgreSQL's programs as its user. Its output goes to a file: the postmaster keeps what it inherits."""
        with tempfile.TemporaryFile("w+") as out:
            ended = subprocess.run(as_database_user(self.binaries / program, *words), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   cwd=self.directory.parent, timeout=COMMAND_SECONDS_MAX, check=False)
            out.seek(0)
            checks.same(ended.returncode, 0, f"{program}: {out.read()[-1500:]}")

    def sql(self, text, database="postgres"):
        """Runs statements as the superuser."""
        url = f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/{database}?sslmode=verify-full&sslrootcert={self.ca}"
        ended = subprocess.run([self.binaries / "psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", url], input=text, text=True,
                               capture_output=True, timeout=60, check=False)
        checks.same(ended.returncode, 0, f"{text}: {ended.stderr}")


def own(*paths):
    """Gives paths, and what is below them, to PostgreSQL's user."""
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", f"{backends.database_user()}:", *map(str, paths)], check=True)


class Site:
    """The machines of the pages, on this one, and what the pages call them. Use as a context manager."""

    def __init__(self, binary, store):
        self.binary, self.store = binary, store
        self.root = owned_directory("lane-scale-")
        self.root.chmod(0o755)
        self.etc, self.lib, self.work = (self.root / place for place in ("etc/strongroom", "var/lib", "work"))
        for directory in (self.etc, self.lib, self.work, self.root / "bin"):
            directory.mkdir(parents=True)
        self.secret = secrets.token_hex(16)
        self.make_certificates()
        self.live, self.restored = (Postgres(self.root / name, self.etc / "db-ca.pem") for name in ("live", "base"))
        parameters = dict(urllib.parse.parse_qsl(store.url.partition("?")[2]))
        self.endpoint, self.store_ca = parameters["endpoint"], parameters.get("ca")

    def __enter__(self):
        (self.root / "bin" / "strongroom").symlink_to(self.binary)
        # Stands in for systemd's: it ends the server that the lane started.
        stub = self.root / "bin" / "systemctl"
        stub.write_text(f"#!/bin/sh\n[ \"$1 $2\" = 'stop strongroom' ] || exit 1\nP=$(cat {self.root}/pid); kill $P\n"
                        "while grep -q '^State:[[:space:]]*[^Z[:space:]]' /proc/$P/status 2>/dev/null; do sleep 0.1; done\n")
        stub.chmod(0o755)
        self.live.make()
        self.live.start()
        return self

    def __exit__(self, *_):
        for cluster in (self.live, self.restored):
            with contextlib.suppress(AssertionError):
                cluster.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def make_certificates(self):
        """A CA, and PostgreSQL's certificate under it."""
        openssl, here = tools.program("openssl", "openssl"), self.etc
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for command in (
                ["req", "-x509", *key, "-days", "9", "-subj", "/CN=lane CA", "-keyout", "ca.key", "-out", "db-ca.pem"],
                ["req", *key, "-subj", "/CN=db", "-keyout", "server.key", "-out", "server.csr"],
                ["x509", "-req", "-in", "server.csr", "-CA", "db-ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9", "-extfile",
                 "names", "-out", "server.crt"]):
            (here / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
            tools.install([openssl, *command], here)

    def here(self, text):
        """A page's text with this lane's names. The first host of the database is one that is down."""
        access, secret = (self.store.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        store = urllib.parse.urlencode({"endpoint": self.endpoint} | ({"ca": self.store_ca} if self.store_ca else {"allow_http": "true"}))
        names = [
            ("?endpoint=https://rgw.example.com:7480&ca=/etc/strongroom/rgw-ca.pem", f"?{store}"),
            ("?region=eu-central-1", f"?{store}"),
            ("https://rgw.example.com:7480 --ca-bundle /etc/strongroom/rgw-ca.pem",
             self.endpoint + (f" --ca-bundle {self.store_ca}" if self.store_ca else "")),
            ("@db1,db2/", f"@127.0.0.1:{free_port()},127.0.0.1:{self.live.port}/"),
            ("@db-restored/", f"@127.0.0.1:{self.restored.port}/"),
            (":PASSWORD@", f":{self.secret}@"), ("PASSWORD '…'", f"PASSWORD '{self.secret}'"),
            ("SECRET_ACCESS_KEY=…", f"SECRET_ACCESS_KEY={secret}"), ("ACCESS_KEY_ID=…", f"ACCESS_KEY_ID={access}"),
            ("/etc/strongroom/", f"{self.etc}/"), ("/var/lib/", f"{self.lib}/"),
        ]
        for theirs, ours in names:
            checks.that(theirs in MOVE.text + SCALE.text, f"no page says `{theirs}` any more")
            text = text.replace(theirs, ours)
        return text

    def environment(self):
        """What a shell of this site has: its programs, rclone's remotes, and nothing of the user's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRONGROOM_", "AWS_", "RCLONE_", "PG"))}
        access, secret = (self.store.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        remote = {"TYPE": "s3", "PROVIDER": "Other", "ACCESS_KEY_ID": access, "SECRET_ACCESS_KEY": secret, "ENDPOINT": self.endpoint,
                  "REGION": "us-east-1"}
        remotes = {f"RCLONE_CONFIG_{name}_{field}": value for name in ("LIVE", "COPY") for field, value in remote.items()}
        ca = {"RCLONE_CA_CERT": str(self.store_ca)} if self.store_ca else {}
        return kept | remotes | ca | {"PATH": f"{self.root}/bin:{kept.get('PATH', '')}", "RCLONE_CONFIG": str(self.root / "none.conf"),
                                      "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1"}

    def paste(self, text):
        """Pastes lines of a page into a shell; what they print."""
        ended = subprocess.run(["bash", "-e"], input=self.here(text), capture_output=True, text=True, cwd=self.work,
                               timeout=COMMAND_SECONDS_MAX, env=self.environment(), check=False)
        checks.same(ended.returncode, 0, f"{text}: {ended.stdout[-1500:]} {ended.stderr[-1500:]}")
        return ended.stdout + ended.stderr

    def exported(self, text):
        """The variables that lines of a page set."""
        shown = self.paste(f"set -a\n{text}\nset +a\nenv -0")
        wanted = ("STRONGROOM_", "AWS_ACCESS", "AWS_SECRET")
        return dict(pair.split("=", 1) for pair in shown.split("\0") if pair.startswith(wanted))

    @contextlib.contextmanager
    def served(self, data, environment):
        """A server on a data directory below /var/lib, as the service that `systemctl` knows."""
        server = Server(self.binary, data=self.lib / data, environment=environment, fronts=1)
        with server:
            (self.root / "pid").write_text(str(server.pid))
            yield server
            if server.process.poll() is None:
                checks.same(server.stop(), 0, "the server's exit code")


def run(lane, given):
    """From one machine to several, and back from the ashes."""
    postgresql_binaries()
    tools.program("rclone", "rclone")
    blobs = given.blobs or ("rgw" if given.rgw else "strongroom")
    with backends.blobs(blobs, str(pathlib.Path(given.bin).resolve()), given.rgw) as store, \
            Site(pathlib.Path(given.bin).resolve(), store) as site:
        walk = Walk(lane, site)
        walk.move()
        walk.pooler()
        walk.back_up_and_restore()
    with lane.check("PostgreSQL under Patroni, configured as the page says"):
        under_patroni(given.bin)


class Walk:
    """The way through the pages, with what a client put."""

    def __init__(self, lane, site):
        self.lane, self.site, self.stock = lane, site, None
        lines = SCALE.block("sh", "s3 mb").splitlines()
        self.store_lines = [line for line in lines if line.startswith(("export", "aws"))]
        (serve,) = [line for line in lines if line.startswith("strongroom serve")]
        self.home = {}
        self.blobs = re.search(r"--blobs '([^']*)'", serve)[1]

    def move(self):
        """The database, the bucket, and `migrate`."""
        site = self.site
        with self.lane.check("PostgreSQL and the object store are made ready by the page's commands"):
            site.live.sql(site.here(SCALE.block("sql", "CREATE ROLE")))
            backends.store_client(site.store).delete_bucket(Bucket=backends.BUCKET)  # the page makes it
            site.paste("\n".join(self.store_lines))
        with self.lane.check("migrate.md: a served store is moved there"):
            with site.served("strongroom", {}) as server:
                self.stock = Stock(server.boto3())
                site.paste(MOVE.block("sh", "strongroom migrate"))
                checks.same(server.process.wait(30), 0, "the server's exit code")
            self.home = site.exported(SCALE.block("sh", "STRONGROOM_METADATA=")) | site.exported(self.store_lines[0])
            self.home["STRONGROOM_BLOBS"] = site.here(self.blobs)
            with site.served("strongroom-2", self.home) as server:
                self.stock.check(server.boto3())
                self.stock.go_on(server.boto3())

    def pooler(self):
        """The same catalog behind PgBouncer."""
        with self.lane.check("PgBouncer in its mode `transaction`, as the page says"):
            self.site.live.sql(SCALE.quoted("ALTER ROLE"))
            with pgbouncer(self.site) as port:
                place = self.home["STRONGROOM_METADATA"].partition("@")[0]
                url = f"{place}@127.0.0.1:{port}/objects?sslmode=disable&{SCALE.quoted('prepared_statements')}"
                with self.site.served("strongroom-2", self.home | {"STRONGROOM_METADATA": url}) as server:
                    self.stock.check(server.boto3())
                    self.stock.go_on(server.boto3())

    def back_up_and_restore(self):
        """Three steps under a server that is written to; then everything is lost, and restored twice."""
        site, stock = self.site, self.stock
        first, catalog, third = steps(SCALE.block("sh", "pg_basebackup"))
        dump, load = SCALE.block("sh", "pg_restore").splitlines()
        database = next(line for line in first.splitlines() if line.startswith("export"))
        with self.lane.check("the backup's three steps, while the store is written to"), site.served("strongroom-2", self.home | GRACE) as server:
            s3 = server.boto3()
            site.paste(first)
            stock.go_on(s3)
            site.paste(f"{database}\n{catalog}")
            site.paste(f"{database}\n{dump}")
            # After the moment of the catalog: what it refers to goes, and what it does not know comes.
            for kind, name, version, _ in stock.versions[:12]:
                s3.delete_object(Bucket=BUCKET, Key=name, VersionId=version)
                s3.put_object(Bucket=BUCKET, Key=name, Body=os.urandom(50_000), **stock.arguments(kind))
            time.sleep(40)  # the default grace, and a round of reclaiming
            site.paste(third)
            (site.work / "restored").mkdir()
            shutil.copy(site.lib / "strongroom-2" / "master.key", site.work / "restored" / "master.key")
        with self.lane.check("the store is restored from the base backup"):
            (site.work / "base").rename(site.restored.directory)
            own(site.restored.directory)
            site.restored.start()
            self.restore("strongroom-new")
        with self.lane.check("the store is restored from the dump"):
            site.restored.password = site.live.password
            for text in ("DROP DATABASE objects", "CREATE DATABASE objects OWNER strongroom"):
                site.restored.sql(text)
            exports = SCALE.block("sh", "strongroom migrate").splitlines()[1]
            site.paste(f"{exports}\n{load}")
            shutil.rmtree(site.lib / "strongroom-new")
            self.restore("strongroom-new")

    def restore(self, data):
        """The live side is lost, and made anew from the restored one."""
        site = self.site
        for text in ("DROP DATABASE objects", "CREATE DATABASE objects OWNER strongroom"):
            site.live.sql(text)
        empty(site.store, "site-1/")
        empty(site.store, "site-2/")
        lines = SCALE.block("sh", "strongroom migrate")
        site.paste(lines)
        blobs = re.search(r"--to-blobs '([^']*)'", lines)[1]
        with site.served(data, self.home | {"STRONGROOM_BLOBS": site.here(blobs)}) as server:
            before = dict(self.stock.bodies), list(self.stock.versions)
            self.stock.check(server.boto3())
            self.stock.go_on(server.boto3())
            self.stock.bodies, self.stock.versions = before  # those of the backup, for the next restore


def steps(block):
    """The commands of the three steps."""
    parts = re.split(r"^# \d\..*\n", block, flags=re.M)
    checks.same(len(parts), 4, "steps of the backup")
    return parts[0] + parts[1], parts[2], parts[3]


def empty(store, prefix):
    """Deletes everything below a prefix of the store."""
    client = backends.store_client(store)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=backends.BUCKET, Prefix=prefix):
        if rows := [{"Key": entry["Key"]} for entry in page.get("Contents", [])]:
            client.delete_objects(Bucket=backends.BUCKET, Delete={"Objects": rows})


@contextlib.contextmanager
def pgbouncer(site):
    """A PgBouncer in front of the live PostgreSQL; its port."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not program:
        raise checks.Skip("no pgbouncer (apt-get install pgbouncer)")
    directory, port = owned_directory("lane-pgbouncer-"), free_port()
    (directory / "users").write_text(f'"strongroom" "{site.secret}"\n')
    (directory / "ini").write_text(
        f"[databases]\nobjects = host=127.0.0.1 port={site.live.port} dbname=objects\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {directory}/users\npool_mode = transaction\n"
        f"server_tls_sslmode = verify-full\nserver_tls_ca_file = {site.etc}/db-ca.pem\nmax_client_conn = 100\n")
    own(directory)
    with open(directory / "log", "w") as log:
        process = subprocess.Popen(as_database_user(program, directory / "ini"), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        time.sleep(1)
        checks.that(process.poll() is None, (directory / "log").read_text())
        yield port
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def under_patroni(binary):
    """The page's dynamic configuration is applied, and a server works under it."""
    from replicated import Cluster
    with Cluster() as cluster:
        cluster.configure(SCALE.block("yaml", "synchronous_mode_strict"))
        with Server(binary, environment={"STRONGROOM_METADATA": cluster.elsewhere().url}, fronts=1) as server:
            stock = Stock(server.boto3())
            stock.check(server.boto3())


if __name__ == "__main__":
    checks.main("scale_out", run, blobs="", rgw="")
