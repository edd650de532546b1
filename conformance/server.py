"""Starts the real binary on free ports in a directory of its own, and ends it.

What it relies on is the contract of the README: flags, the files of the data directory, `/-/ready`.

Catalog and blobs may be elsewhere for a whole run, and the front-ends several; the environment says so:
`STRONGROOM_METADATA` and `STRONGROOM_BLOBS` (each server has a schema and a prefix of its own there),
`CONFORMANCE_FRONTS` front-ends behind one port, used in turn, and `CONFORMANCE_SERVER_X` for `X` in the
environment of the servers alone. `backends.py` sets them.
"""
import configparser
import http.client
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

from forwarder import Forwarder

READY_SECONDS_MAX = 30  # gives a loaded machine time; how fast a start must be is the crash lane's check
DRAIN_SECONDS_MAX = 30
DOMAIN = "s3.strongroom.test"
REGION = "us-east-1"
BLOBS_MARK = "installation"  # says whose blobs are beside it


class Server:
    """One server and its data directory. Use as a context manager; `stop` and `start` again at will."""

    forwarder = Forwarder  # what stands before several front-ends

    def __init__(self, binary, data=None, environment=None, plain_http=False, profile=None, fronts=None):
        self.binary = str(pathlib.Path(binary).resolve())
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-lane-"))
        self.data = pathlib.Path(data) if data else self.scratch / "data"
        self.log_path = self.scratch / "log"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("STRONGROOM_")}
        self.environment.update(elsewhere(self.scratch.name))
        self.environment.update(environment or {})
        self.port, self.http_port = free_port(), free_port() if plain_http else None
        self.process, self.profile = None, profile
        self.fronts, self.others, self.forwarders = fronts or int(os.environ.get("CONFORMANCE_FRONTS", "1")), [], []
        # What these listen on. With several front-ends `port` and `http_port` are the forwarder's.
        self.own_port, self.own_http_port = self.port, self.http_port
        if self.fronts > 1:
            self.environment["STRONGROOM_FRONT_ENDS"] = "several"
            self.own_port, self.own_http_port = free_port(), free_port() if plain_http else None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        for forwarder in self.forwarders:
            forwarder.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def command(self):
        """The command line that serves."""
        line = [self.binary, "serve", "--data-dir", str(self.data), "--listen", f"127.0.0.1:{self.own_port}",
                "--region", REGION, "--domain", DOMAIN]
        line += ["--profile", self.profile] if self.profile else []
        return line + (["--http-listen", f"127.0.0.1:{self.own_http_port}"] if self.own_http_port else [])

    def start(self):
        """Starts, with every other front-end, and waits until all are ready; the seconds that took."""
        begun = time.monotonic()
        self.start_this()
        if self.fronts > 1:
            self._start_others()
        return time.monotonic() - begun

    def _start_others(self):
        """The other front-ends, with the first one's master key, credentials and certificate; and what is in front."""
        if not self.others:
            self.others = [self._beside(number) for number in range(2, self.fronts + 1)]
        for other in self.others:
            other.start()
        if not self.forwarders:
            every = [self, *self.others]
            self.forwarders = [self.forwarder(self.port, [front.own_port for front in every])]
            if self.http_port:
                self.forwarders.append(self.forwarder(self.http_port, [front.own_http_port for front in every]))
            for forwarder in self.forwarders:
                forwarder.start()

    def _beside(self, number):
        """One more front-end on the same catalog and blobs."""
        data = self.scratch / f"data-{number}"
        data.mkdir(mode=0o700)
        shutil.copytree(self.data / "tls", data / "tls")
        for name in ("master.key", "credentials"):
            shutil.copy2(self.data / name, data / name)
        other = Server(self.binary, data, self.environment, self.http_port is not None, self.profile, fronts=1)
        other.log_path = self.scratch / f"log-{number}"
        shutil.rmtree(other.scratch)
        other.scratch = self.scratch
        return other

    def start_this(self):
        """Starts this process alone and waits until it is ready; the seconds that took."""
        begun = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment)
        while not self.ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log()[-3000:]}")
            if time.monotonic() - begun > READY_SECONDS_MAX:
                raise RuntimeError(f"not ready after {READY_SECONDS_MAX} s: {self.log()[-3000:]}")
            time.sleep(0.01)
        return time.monotonic() - begun

    def ready(self):
        """Whether `GET /-/ready` answers 200."""
        try:
            connection = http.client.HTTPSConnection("127.0.0.1", self.own_port, timeout=5, context=self.tls())
            connection.request("GET", "/-/ready")
            answered = connection.getresponse().status == 200
            connection.close()
            return answered
        except (OSError, http.client.HTTPException, ssl.SSLError):
            return False

    def kill(self):
        """`kill -9` of every front-end: no drain, no last word."""
        for other in self.others:
            other.kill()
        self.kill_this()

    def kill_this(self):
        """`kill -9` of this process alone."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        """SIGTERM: drains and ends; its exit code, or that of another front-end that is not 0."""
        codes = [other.stop() for other in self.others]
        self.process.send_signal(signal.SIGTERM)
        codes.append(self.process.wait(DRAIN_SECONDS_MAX))
        return next((code for code in codes if code), 0)

    def tls(self, check_hostname=True):
        """A TLS context that trusts this server's CA and nothing else."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.check_hostname = check_hostname
        return context

    @property
    def ca(self):
        """The CA certificate that a client needs."""
        return self.data / "tls" / "ca.pem"

    @property
    def endpoint(self):
        """The HTTPS endpoint."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def endpoints(self):
        """The HTTPS endpoint of each front-end."""
        return [f"https://127.0.0.1:{front.own_port}" for front in (self, *self.others)]

    @property
    def pid(self):
        """The process id of the running server."""
        return self.process.pid

    def credentials(self):
        """The root access key and secret key, from the file that the first start makes."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.data / "credentials")
        section = parser[parser.sections()[0]]
        return section["aws_access_key_id"], section["aws_secret_access_key"]

    def client_environment(self):
        """What a shell would export for aws-cli, and nothing of the user's own configuration."""
        access, secret = self.credentials()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nowhere = str(self.scratch / "no-such-file")
        return kept | {
            "AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_CA_BUNDLE": str(self.ca), "AWS_PAGER": "",
            "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
        }

    def boto3(self, **config):
        """A boto3 client with the newest defaults, changed only by `config`."""
        import boto3
        import botocore.config
        access, secret = self.credentials()
        options = {"retries": {"total_max_attempts": 1}, "read_timeout": 120} | config
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=access,
                            aws_secret_access_key=secret, region_name=REGION, verify=str(self.ca),
                            config=botocore.config.Config(**options))

    def log(self):
        """All that the server printed, every front-end."""
        logs = [self.log_path, *(other.log_path for other in self.others)]
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def files(self):
        """Every file under the data directory, and under those of other front-ends."""
        places = [self.data, *(other.data for other in self.others)]
        return sorted(path for place in places for path in place.rglob("*") if path.is_file())

    def bodies(self):
        """What holds the bodies of large objects, by names that are never used again: files, or objects of a store."""
        blobs = self.environment.get("STRONGROOM_BLOBS")
        if not blobs:
            return {(path.name, path.stat().st_ino) for path in self.blob_files()}
        import boto3
        place = urllib.parse.urlsplit(blobs)
        parameters = dict(urllib.parse.parse_qsl(place.query))
        client = boto3.client(place.scheme, endpoint_url=parameters.get("endpoint"), verify=parameters.get("ca"), region_name=REGION,
                              aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
                              aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"])
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=place.path.strip("/") + "/")
        found = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
        return {key for key in found if key.rpartition("/")[2] != BLOBS_MARK}

    def blob_files(self):
        """The files that hold the bodies of large objects: one a part, below `blobs/`."""
        return sorted(path for path in (self.data / "blobs").rglob("*") if path.is_file() and path.name != BLOBS_MARK)


def elsewhere(name):
    """What a server's environment says of a catalog and blobs that are not in its data directory; `name` is its own."""
    own = {variable.removeprefix("CONFORMANCE_SERVER_"): value for variable, value in os.environ.items()
           if variable.startswith("CONFORMANCE_SERVER_")}
    if blobs := os.environ.get("STRONGROOM_BLOBS"):
        place, _, parameters = blobs.partition("?")
        own["STRONGROOM_BLOBS"] = f"{place.rstrip('/')}/{name}?{parameters}"
    if metadata := os.environ.get("STRONGROOM_METADATA"):
        own["STRONGROOM_METADATA"] = f"{metadata}{'&' if '?' in metadata else '?'}schema={name.replace('-', '_')}"
    return own


def free_port():
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
