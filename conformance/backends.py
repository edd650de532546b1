"""The same lanes over another catalog and other blobs: PostgreSQL and an object store, behind any number of front-ends.

`backends.py --bin PATH [--metadata postgres|URL] [--blobs rgw|strongroom|URL] [--fronts N] [--rgw COMMAND] [--minutes N] [LANE...]`

starts what is not given as a URL, in scratch directories and on free ports, then runs the lanes (all that need no
local files, if none is named) in that environment, each in a process of its own. `server.Server` takes from it where its
catalog and blobs are, and how many front-ends stand behind its port. `--minutes N` is for the lane `consistency`.
`--rgw COMMAND` starts a Ceph RADOS Gateway: the command is given RGW_DIR, RGW_PORT and RGW_HTTP_PORT, and leaves
RGW_DIR/ceph.conf and one file for each process below RGW_DIR/run. Without it another strongroom is the object store.
Does not: replicate (`replicated.py`).
"""
import argparse
import contextlib
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import tools
from checks import Lane, Skip
from server import Server, free_port

# What asks the server alone, and not its files. The others say why they are not here.
LANES = ("aws_cli", "boto3_lane", "minio_py", "presigned", "habits", "copies", "post_forms", "identity", "versions",
         "errors", "wire", "aws_guide", "ovh_guide", "ibm_guide", "obs_guide", "consistency")
COUNTS = re.compile(r"^\w+: (\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
LANE_SECONDS_MAX = 45 * 60
BUCKET = "vault"


class Elsewhere:
    """A catalog or blobs: the URL, and what the servers' environment needs beside it."""

    def __init__(self, url, environment=None):
        self.url, self.environment = url, environment or {}


def postgresql_binaries():
    """The directory of PostgreSQL's programs: Debian keeps most of them off the PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else pathlib.Path(tools.program("initdb", "postgresql")).resolve().parent


def database_user():
    """Who runs PostgreSQL: it refuses to be root's."""
    return "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def as_database_user(*words):
    """The command line of a program run by that user."""
    switch = ["runuser", "-u", database_user(), "--"] if os.getuid() == 0 else []
    return [*switch, *map(str, words)]


def owned_directory(prefix):
    """A scratch directory that belongs to that user."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    if os.getuid() == 0:
        shutil.chown(directory, database_user())
    return directory


@contextlib.contextmanager
def postgresql(_binary=None):
    """A PostgreSQL of this lane's own, on this machine's loopback, with a password."""
    binaries, directory, port, password = postgresql_binaries(), owned_directory("lane-pg-"), free_port(), secrets.token_hex(16)
    log = directory / "log"

    def call(*words):
        # Files, not pipes: the postmaster keeps what it inherits open.
        with open(directory / "out", "w+") as out:
            ended = subprocess.run(as_database_user(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=directory,
                                   timeout=120, check=False)
            out.seek(0)
            if ended.returncode:
                raise AssertionError(f"{words[0]}: {out.read()[-2000:]}")

    try:
        (directory / "password").write_text(password)
        if os.getuid() == 0:
            shutil.chown(directory / "password", database_user())
        call(binaries / "initdb", "-D", directory / "data", "-U", "strongroom", "-A", "scram-sha-256",
             "--pwfile", directory / "password", "-E", "UTF8", "--locale", "C")
        options = f"-k {directory} -p {port} -c listen_addresses=127.0.0.1 -c max_connections=300"
        call(binaries / "pg_ctl", "-D", directory / "data", "-w", "-l", log, "-o", options, "start")
        yield Elsewhere(f"postgres://strongroom:{password}@127.0.0.1:{port}/postgres?sslmode=disable")
    finally:
        if (directory / "data" / "postmaster.pid").exists():
            call(binaries / "pg_ctl", "-D", directory / "data", "-w", "-m", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def strongroom_blobs(binary):
    """Another strongroom, on its embedded defaults, as the object store."""
    backend = Server(binary, fronts=1)
    for name in ("STRONGROOM_BLOBS", "STRONGROOM_METADATA"):
        backend.environment.pop(name, None)
    with backend:
        backend.boto3().create_bucket(Bucket=BUCKET)
        yield s3_store(backend.endpoint, backend.ca, *backend.credentials())


@contextlib.contextmanager
def rgw(command):
    """A Ceph RADOS Gateway, started by a command."""
    for program, package in (("ceph-mon", "ceph-mon"), ("ceph-osd", "ceph-osd"), ("radosgw", "radosgw"), ("radosgw-admin", "radosgw")):
        tools.program(program, package)
    directory, port, http_port = pathlib.Path(tempfile.mkdtemp(prefix="lane-rgw-")), free_port(), free_port()
    environment = os.environ | {"RGW_DIR": str(directory), "RGW_PORT": str(port), "RGW_HTTP_PORT": str(http_port)}
    try:
        with open(directory.with_suffix(".log"), "w+") as log:
            ended = subprocess.run([command], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=300, check=False)
            log.seek(0)
            if ended.returncode:
                raise AssertionError(f"{command} ended with {ended.returncode}: {log.read()[-2000:]}")
        created = subprocess.run(["radosgw-admin", "-c", directory / "ceph.conf", "-n", "client.rgw", "user", "create", "--uid", "lane",
                                  "--display-name", "lane"], capture_output=True, text=True, timeout=60, check=True)
        pair = json.loads(created.stdout)["keys"][0]
        # In clear: a test gateway's certificate signs itself, and such a one is nobody's but a CA's for the server.
        store = s3_store(f"http://127.0.0.1:{http_port}", None, pair["access_key"], pair["secret_key"])
        store_client(store).create_bucket(Bucket=BUCKET)
        yield store
    finally:
        for file in directory.glob("run/*.pid"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(file.read_text()), signal.SIGKILL)
        time.sleep(0.5)
        shutil.rmtree(directory, ignore_errors=True)
        directory.with_suffix(".log").unlink(missing_ok=True)


def s3_store(endpoint, ca, access, secret):
    """An S3 store as `--blobs` and its environment name it."""
    query = urllib.parse.urlencode({"endpoint": endpoint} | ({"ca": ca} if ca else {"allow_http": "true"}))
    return Elsewhere(f"s3://{BUCKET}/lane?{query}", {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret})


def store_client(store):
    """A boto3 client of such a store."""
    import boto3
    parameters = dict(urllib.parse.parse_qsl(store.url.partition("?")[2]))
    return boto3.client("s3", endpoint_url=parameters["endpoint"], verify=parameters.get("ca"), region_name="us-east-1",
                        aws_access_key_id=store.environment["AWS_ACCESS_KEY_ID"],
                        aws_secret_access_key=store.environment["AWS_SECRET_ACCESS_KEY"])


@contextlib.contextmanager
def metadata(wanted):
    """The catalog that `--metadata` asks for."""
    if wanted == "postgres":
        with postgresql() as started:
            yield started
    else:
        yield Elsewhere(wanted)


@contextlib.contextmanager
def blobs(wanted, binary, command):
    """The blobs that `--blobs` asks for."""
    if wanted == "rgw" and not command:
        raise Skip("--rgw COMMAND names nothing that starts a Ceph RADOS Gateway")
    if wanted == "rgw":
        with rgw(command) as started:
            yield started
    elif wanted == "strongroom":
        with strongroom_blobs(binary) as started:
            yield started
    else:
        own = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if name in os.environ}
        yield Elsewhere(wanted, own)


def environment(catalog, store, fronts):
    """What makes `server.Server` start there."""
    servers = {f"CONFORMANCE_SERVER_{name}": value for place in (catalog, store) for name, value in place.environment.items()}
    return {"STRONGROOM_METADATA": catalog.url, "STRONGROOM_BLOBS": store.url, "CONFORMANCE_FRONTS": str(fronts), **servers}


def run_lane(lane, name, given, added):
    """Runs a lane and adds what it counts."""
    script = pathlib.Path(__file__).parent / f"{name}.py"
    print(f"== {name}")
    kept = {variable: value for variable, value in os.environ.items() if not variable.startswith("AWS_")}
    began, output = time.monotonic(), []
    minutes = ["--minutes", str(given.minutes)] if given.minutes and name == "consistency" else []
    process = subprocess.Popen([sys.executable, "-u", script, "--bin", given.bin, *minutes], env=kept | added, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True, errors="replace")
    limit = threading.Timer(LANE_SECONDS_MAX + given.minutes * 60, process.kill)
    limit.start()
    try:
        for line in process.stdout:
            print(line, end="")
            output.append(line)
        process.wait()
    finally:
        limit.cancel()
        process.kill()
    counts = COUNTS.findall("".join(output))
    with lane.check(f"{name} over these backends"):
        if not counts:
            raise AssertionError(f"ended with {process.returncode} and no count line")
        passed, failed, skipped = map(int, counts[-1])
        lane.passed += passed
        lane.skipped += skipped
        if failed or process.returncode:
            lane.failed += max(failed - 1, 0)  # this check is the last of them
            raise AssertionError(f"{failed} failed, exit code {process.returncode}")
        if not passed:
            raise AssertionError("it counted nothing")
    print(f"== {name}: {time.monotonic() - began:.0f} s")


def run(lane, given):
    """Starts, runs, ends."""
    with metadata(given.metadata) as catalog, blobs(given.blobs or ("rgw" if given.rgw else "strongroom"), given.bin, given.rgw) as store:
        for name in given.lanes or LANES:
            run_lane(lane, name, given, environment(catalog, store, given.fronts))


def end_well(*_):
    """On SIGTERM everything that was started is ended."""
    sys.exit("ended by a signal")


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--metadata", default="postgres")
    parser.add_argument("--blobs", default="")
    parser.add_argument("--fronts", type=int, default=1)
    parser.add_argument("--rgw", default="")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("lanes", nargs="*")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_well)
    THIS = Lane("backends")
    with THIS.check("the backends start, and the lanes run to their end"):
        run(THIS, arguments())
    sys.exit(THIS.close())
