"""Blobs in object stores: the contract, and a server over each store that can be had; what is absent is said.

Another strongroom is always at hand. Azurite is started where `azurite` is installed. Any other S3 store is named by
`CLOUD_BLOBS_S3=s3://BUCKET/PREFIX?endpoint=…&ca=…` with `CLOUD_BLOBS_S3_ACCESS_KEY` and `CLOUD_BLOBS_S3_SECRET_KEY`; its
bucket exists.
"""
import base64
import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import checks
from server import BLOBS_MARK, Server, free_port

MIB = 1 << 20
KEY = bytes(range(32))
MARK = b"this plaintext must not be found in any store"
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # published by its makers


class Store:
    """A store: the URL of a prefix in it, credentials, and where its own bytes lie if that can be looked at."""

    def __init__(self, url, environment, directory=None, client=None):
        self.url, self.environment, self.directory, self.client = url, environment, directory, client

    def below(self, name):
        """The URL of a prefix of its own."""
        place, _, parameters = self.url.partition("?")
        return f"{place}/{name}?{parameters}"


@contextlib.contextmanager
def strongroom(binary):
    """Another strongroom, over TLS."""
    backend = Server(binary)
    backend.environment.pop("STRONGROOM_BLOBS", None)
    with backend:
        backend.boto3().create_bucket(Bucket="vault")
        access, secret = backend.credentials()
        query = urllib.parse.urlencode({"endpoint": backend.endpoint, "ca": backend.ca})
        yield Store(f"s3://vault/blobs?{query}", {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret},
                    client=backend.boto3())


@contextlib.contextmanager
def named_s3(_binary):
    """The S3 store that the environment names."""
    url = os.environ.get("CLOUD_BLOBS_S3")
    if not url:
        raise checks.Skip("CLOUD_BLOBS_S3 names no S3 store such as Ceph RGW or Garage")
    import boto3
    access, secret = os.environ["CLOUD_BLOBS_S3_ACCESS_KEY"], os.environ["CLOUD_BLOBS_S3_SECRET_KEY"]
    parameters = dict(urllib.parse.parse_qsl(url.partition("?")[2]))
    client = boto3.client("s3", endpoint_url=parameters.get("endpoint"), verify=parameters.get("ca"),
                          aws_access_key_id=access, aws_secret_access_key=secret,
                          region_name=parameters.get("region", "us-east-1"))
    yield Store(Store(url, {}).below(f"lane-{os.getpid()}-{int(time.time())}"),
                {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}, client=client)


@contextlib.contextmanager
def azurite(_binary):
    """Azurite, in a directory of its own."""
    program = os.environ.get("AZURITE") or shutil.which("azurite-blob")
    if not program:
        raise checks.Skip("no azurite-blob (npm install -g azurite), and AZURITE does not name it")
    port, directory = free_port(), tempfile.mkdtemp(prefix="azurite-")
    process = subprocess.Popen([program, "--disableTelemetry", "--silent", "--skipApiVersionCheck", "--blobHost", "127.0.0.1",
                                "--blobPort", str(port), "--location", directory], stdin=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}/{AZURITE_ACCOUNT}"
        azurite_container(port)
        query = urllib.parse.urlencode({"endpoint": endpoint, "allow_http": "true"})
        yield Store(f"az://vault/blobs?{query}", {"AZURE_STORAGE_ACCOUNT_NAME": AZURITE_ACCOUNT,
                                                  "AZURE_STORAGE_ACCOUNT_KEY": AZURITE_KEY}, directory=directory)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def azurite_container(port):
    """Makes the container `vault`, as soon as the server answers."""
    import hmac
    import http.client
    import wsgiref.handlers
    for _ in range(300):
        date = wsgiref.handlers.format_date_time(time.time())
        text = (f"PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n"
                f"/{AZURITE_ACCOUNT}/{AZURITE_ACCOUNT}/vault\nrestype:container")
        signature = base64.b64encode(hmac.digest(base64.b64decode(AZURITE_KEY), text.encode(), "sha256")).decode()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("PUT", f"/{AZURITE_ACCOUNT}/vault?restype=container", headers={
                "x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Length": "0",
                "Authorization": f"SharedKey {AZURITE_ACCOUNT}:{signature}"})
            answer = connection.getresponse()
            assert answer.status in (201, 409), (answer.status, answer.read()[:300])
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("azurite did not start")


def contract(store):
    """The contract's own suite, in Rust, over the store."""
    if not shutil.which("cargo"):
        raise checks.Skip("no cargo to run the contract suite with")
    command = ["cargo", "test", "--locked", "-p", "cloud-blobs", "-p", "object-engine", "--test", "it", "servers::", "--", "--nocapture"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "STRONGROOM_"))}
    ended = subprocess.run(command, cwd=checks.ROOT, text=True, capture_output=True, timeout=1800,
                           env=kept | store.environment | {"CLOUD_BLOBS_URLS": store.below("contract")})
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-2000:]
    assert "the contract holds over" in ended.stdout + ended.stderr, "the suite did not run"


def sse_c(key=KEY):
    """The arguments of a request with a customer key."""
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}


def whole_path(store, binary):
    """Objects of many sizes come back over a restart and a kill; deleted ones leave the store."""
    environment = store.environment | {"STRONGROOM_BLOBS": store.below("server")}
    with Server(binary, environment=environment) as server:
        s3 = server.boto3()
        s3.create_bucket(Bucket="bucket")
        bodies = {f"{size}-{keyed}": hashlib.sha256(str((size, keyed)).encode()).digest() * (size // 32 + 1)
                  for size in (0, 1, 100_000, 300_000, 5 * MIB + 1, 40 * MIB) for keyed in (False, True)}
        for name, body in bodies.items():
            s3.put_object(Bucket="bucket", Key=name, Body=body, **(sse_c() if name.endswith("True") else {}))
        multipart(s3, bodies)
        for end in (server.stop, server.kill):
            end()
            server.start()
            s3 = server.boto3()
            for name, body in bodies.items():
                keyed = sse_c() if name.endswith("True") else {}
                assert s3.get_object(Bucket="bucket", Key=name, **keyed)["Body"].read() == body, name
                if len(body) > 100_000:
                    part = s3.get_object(Bucket="bucket", Key=name, Range=f"bytes={len(body) - 70_000}-", **keyed)["Body"].read()
                    assert part == body[-70_000:], name
        for name in bodies:
            s3.delete_object(Bucket="bucket", Key=name)
        assert server.stop() == 0
        server.start()
        if store.client:
            left = wait_for_empty(store, "server")
            assert not left, left[:3]


def multipart(s3, bodies):
    """A multipart upload with a customer key, added to `bodies`."""
    parts = [os.urandom(5 * MIB), os.urandom(9 * MIB + 5), os.urandom(17)]
    name = "multipart-True"
    upload = s3.create_multipart_upload(Bucket="bucket", Key=name, SSECustomerAlgorithm="AES256", SSECustomerKey=KEY)["UploadId"]
    done = [{"PartNumber": n, "ETag": s3.upload_part(Bucket="bucket", Key=name, UploadId=upload, PartNumber=n, Body=part, **sse_c())["ETag"]}
            for n, part in enumerate(parts, 1)]
    s3.complete_multipart_upload(Bucket="bucket", Key=name, UploadId=upload, MultipartUpload={"Parts": done}, **sse_c())
    bodies[name] = b"".join(parts)


def objects_below(store, name):
    """Every object below a prefix of the store: its key and bytes."""
    place = urllib.parse.urlsplit(store.below(name).partition("?")[0])
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=place.path.strip("/") + "/")
    for page in pages:
        for entry in page.get("Contents", []):
            yield entry["Key"], lambda key=entry["Key"]: store.client.get_object(Bucket=place.netloc, Key=key)["Body"].read()


def wait_for_empty(store, name):
    """What is left below a prefix when deferred deletions had their time."""
    for _ in range(60):
        left = [key for key, _ in objects_below(store, name) if key.rpartition("/")[2] != BLOBS_MARK]
        if not left:
            break
        time.sleep(1)
    return left


def sealed_only(store, binary):
    """Neither plaintext nor keys nor names reach the store."""
    environment = store.environment | {"STRONGROOM_BLOBS": store.below("sealed")}
    with Server(binary, environment=environment) as server:
        s3 = server.boto3()
        s3.create_bucket(Bucket="secret-bucket-name")
        for name, keyed in (("secret-object-name-1", sse_c()), ("secret-object-name-2", {})):
            s3.put_object(Bucket="secret-bucket-name", Key=name, Body=MARK * 60_000, **keyed)
        needles = [MARK, KEY, base64.b64encode(KEY), (server.data / "master.key").read_bytes(), b"secret-bucket-name",
                   b"secret-object-name", server.credentials()[1].encode()]
        stored = stored_bytes(store)
        assert len(stored) > 5 * MIB, f"only {len(stored)} bytes were found in the store"
        found = [needle for needle in needles if needle in stored]
        assert not found, found
        assert not server.blob_files(), "a blob stayed in the data directory"


def stored_bytes(store):
    """All that the store holds of the server, names and bytes."""
    if store.client:
        return b"".join(key.encode() + read() for key, read in objects_below(store, "sealed"))
    return b"".join(path.read_bytes() for path in pathlib.Path(store.directory).rglob("*") if path.is_file())


def refused(store, binary):
    """A start with wrong credentials, or with blobs elsewhere, ends at once and says why without the secret."""
    wrong = {name: "wrongwrongwrong0" if name.endswith(("SECRET_ACCESS_KEY",)) else value for name, value in store.environment.items()}
    if wrong != store.environment:
        ended_with(Server(binary, environment=wrong | {"STRONGROOM_BLOBS": store.below("refused")}), "object store")
    server = Server(binary, environment=store.environment | {"STRONGROOM_BLOBS": store.below("refused")})
    with server:
        server.stop()
        server.environment.pop("STRONGROOM_BLOBS")
        ended_with(server, "elsewhere")


def two_installations(store, binary):
    """A place that one installation keeps its blobs in is nobody else's: not a new one's, nor that of a lost catalog."""
    environment = store.environment | {"STRONGROOM_BLOBS": store.below("owned")}
    with Server(binary, environment=environment) as server, contextlib.ExitStack() as others:
        body = os.urandom(MIB)
        server.boto3().create_bucket(Bucket="bucket")
        server.boto3().put_object(Bucket="bucket", Key="key", Body=body)
        newcomer = Server(binary, environment=environment)
        others.push(newcomer)
        ended_with(newcomer, "are not this catalog's", "was never served over them")
        served = others.enter_context(Server(binary, environment=store.environment | {"STRONGROOM_BLOBS": store.below("other")}))
        assert served.stop() == 0
        (served.data / "blobs.location").unlink()  # what a new data directory does not have, over one PostgreSQL
        served.environment = served.environment | environment
        ended_with(served, "are not this catalog's", "this catalog is installation ")
        served.environment = served.environment | {"STRONGROOM_BLOBS": store.below("other")}
        served.start()
        assert server.stop() == 0
        lost = server.data / "catalog"
        lost.rename(server.data / "catalog.lost")
        ended_with(server, "are not this catalog's", "restore that first")
        shutil.rmtree(lost)
        (server.data / "catalog.lost").rename(lost)
        server.start()
        assert server.boto3().get_object(Bucket="bucket", Key="key")["Body"].read() == body


def ended_with(server, *words):
    """Starts a server that must not start, and whose last words must be these."""
    try:
        server.start()
    except RuntimeError as error:
        assert "the server ended with 1" in str(error) or "ended with 2" in str(error), error
        assert all(word in str(error) for word in words), error
        assert not any(value in str(error) for name, value in server.environment.items() if "SECRET" in name or "_KEY" in name[-4:])
        return
    server.kill()
    raise AssertionError("it started")


def run(lane, given):
    """Every store that can be had."""
    for backend in (strongroom, named_s3, azurite):
        name = backend.__name__
        try:
            with backend(given.bin) as store:
                with lane.check(f"{name}: the contract"):
                    contract(store)
                with lane.check(f"{name}: objects come back over restarts and leave when deleted"):
                    whole_path(store, given.bin)
                with lane.check(f"{name}: only sealed bytes are stored"):
                    sealed_only(store, given.bin)
                with lane.check(f"{name}: what cannot be used is refused at start"):
                    refused(store, given.bin)
                with lane.check(f"{name}: two installations do not share a prefix"):
                    two_installations(store, given.bin)
        except checks.Skip as reason:
            lane.skip(name, reason)


if __name__ == "__main__":
    checks.main("cloud_blobs", run)
