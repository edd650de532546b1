"""Starts the real binary on free ports in a directory of its own, and ends it.

What it relies on is the contract of the README: flags, the files of the data directory, `/-/ready`.
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

READY_SECONDS_MAX = 30  # gives a loaded machine time; how fast a start must be is the crash lane's check
DRAIN_SECONDS_MAX = 30
DOMAIN = "s3.strongroom.test"
REGION = "us-east-1"


class Server:
    """One server and its data directory. Use as a context manager; `stop` and `start` again at will."""

    def __init__(self, binary, data=None, environment=None, plain_http=False, profile=None):
        self.binary = str(pathlib.Path(binary).resolve())
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-lane-"))
        self.data = pathlib.Path(data) if data else self.scratch / "data"
        self.log_path = self.scratch / "log"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("STRONGROOM_")}
        # Blobs may be in an object store for a whole run; each server has a prefix of its own there.
        if blobs := os.environ.get("STRONGROOM_BLOBS"):
            place, _, parameters = blobs.partition("?")
            self.environment["STRONGROOM_BLOBS"] = f"{place.rstrip('/')}/{self.scratch.name}?{parameters}"
        self.environment.update(environment or {})
        self.port, self.http_port = free_port(), free_port() if plain_http else None
        self.process, self.profile = None, profile

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def command(self):
        """The command line that serves."""
        line = [self.binary, "serve", "--data-dir", str(self.data), "--listen", f"127.0.0.1:{self.port}",
                "--region", REGION, "--domain", DOMAIN]
        line += ["--profile", self.profile] if self.profile else []
        return line + (["--http-listen", f"127.0.0.1:{self.http_port}"] if self.http_port else [])

    def start(self):
        """Starts and waits until it is ready; the seconds that took."""
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
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=self.tls())
            connection.request("GET", "/-/ready")
            answered = connection.getresponse().status == 200
            connection.close()
            return answered
        except (OSError, http.client.HTTPException, ssl.SSLError):
            return False

    def kill(self):
        """`kill -9`: no drain, no last word."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        """SIGTERM: drains and ends; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DRAIN_SECONDS_MAX)

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
        """All that the server printed."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def files(self):
        """Every file under the data directory."""
        return sorted(path for path in self.data.rglob("*") if path.is_file())

    def blob_files(self):
        """The files that hold the bodies of large objects: one a part, below `blobs/`."""
        return sorted(path for path in (self.data / "blobs").rglob("*") if path.is_file())


def free_port():
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
