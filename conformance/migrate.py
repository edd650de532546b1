"""`strongroom migrate`: a server that was killed is moved, by runs that are killed, and serves everything from the other side.

From a data directory to another one, with blobs in files or in an object store (another strongroom), to PostgreSQL where
Debian's package `postgresql` is installed, and back.
"""
import contextlib
import hashlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time

import checks
import keys
from cloud_blobs import strongroom
from server import Server, free_port

MIB = 1 << 20
BUCKET = "moved"
KILLS = [("planning", 0), ("copying blobs", 0), ("copying blobs", 0.05), ("copying records", 0), ("verifying blobs", 0)]
RUN_SECONDS_MAX = 600


class Stock:
    """What a client put, and everything that it must find again."""

    def __init__(self, s3):
        self.key = keys.fresh()
        self.bodies, self.versions = {}, []
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "of", "Value": "bucket"}]})
        for size in (0, 1, 9_000, 100_000, 3 * MIB + 7, 20 * MIB):
            for kind in ("customer", "server", "kms"):
                self.put(s3, kind, f"{kind}/{size}", hashlib.sha256(f"{kind}{size}".encode()).digest() * (size // 32 + 1))
        for number in range(200):
            self.put(s3, "customer", f"many/{number:04}", bytes([number]) * (number * 331))
        s3.copy_object(Bucket=BUCKET, Key="customer/copy", CopySource=f"{BUCKET}/customer/{20 * MIB}", **source(self.key),
                       **self.arguments("customer"))
        self.bodies["customer/copy"] = self.bodies[f"customer/{20 * MIB}"]
        s3.delete_object(Bucket=BUCKET, Key="server/9000")
        self.bodies.pop("server/9000")
        self.multipart(s3)
        self.user = None

    def arguments(self, kind):
        """What a request says about the key of this kind of object."""
        if kind == "kms":
            return {"ServerSideEncryption": "aws:kms"}
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": self.key} if kind == "customer" else {}

    def read_arguments(self, kind):
        """The same for a read."""
        return self.arguments(kind) if kind == "customer" else {}

    def put(self, s3, kind, name, body):
        """One version."""
        put = s3.put_object(Bucket=BUCKET, Key=name, Body=body, Tagging="a=b", Metadata={"m": name}, **self.arguments(kind))
        self.bodies[name] = body
        self.versions.append((kind, name, put["VersionId"], body))

    def multipart(self, s3):
        """A completed upload, and one that is under way."""
        self.parts = [os.urandom(5 * MIB), os.urandom(6 * MIB + 1), os.urandom(99)]
        upload = self.create(s3, "customer/whole")
        self.upload_parts(s3, "customer/whole", upload, (1, 2, 3))
        self.complete(s3, "customer/whole", upload)
        self.open = self.create(s3, "customer/late")
        self.upload_parts(s3, "customer/late", self.open, (1, 2))

    def create(self, s3, name):
        """An upload's id."""
        return s3.create_multipart_upload(Bucket=BUCKET, Key=name, **self.arguments("customer"))["UploadId"]

    def upload_parts(self, s3, name, upload, numbers):
        """Some of the parts."""
        for number in numbers:
            s3.upload_part(Bucket=BUCKET, Key=name, UploadId=upload, PartNumber=number, Body=self.parts[number - 1],
                           **self.arguments("customer"))

    def complete(self, s3, name, upload):
        """The upload with all parts that it has."""
        parts = s3.list_parts(Bucket=BUCKET, Key=name, UploadId=upload)["Parts"]
        done = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
        s3.complete_multipart_upload(Bucket=BUCKET, Key=name, UploadId=upload, MultipartUpload={"Parts": done})
        self.bodies[name] = b"".join(self.parts)

    def check(self, s3):
        """Everything is there, by its key, and a listing says so."""
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        listed = {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}
        checks.same(listed, {name: len(body) for name, body in self.bodies.items()}, "the listing")
        for name, body in self.bodies.items():
            kind = name.partition("/")[0]
            arguments = self.read_arguments("customer" if kind == "many" else kind)
            answer = s3.get_object(Bucket=BUCKET, Key=name, **arguments)
            checks.that(answer["Body"].read() == body, f"{name} differs")
        for kind, name, version, body in self.versions:
            answer = s3.get_object(Bucket=BUCKET, Key=name, VersionId=version, **self.read_arguments(kind))
            checks.that(answer["Body"].read() == body, f"{name} {version} differs")
            checks.same((answer["Metadata"], answer["TagCount"]), ({"m": name}, 1), name)
        checks.same(s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"], [{"Key": "of", "Value": "bucket"}])
        wrong = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": keys.fresh()}
        try:
            s3.get_object(Bucket=BUCKET, Key="customer/copy", **wrong)
        except s3.exceptions.ClientError as error:
            checks.same(error.response["ResponseMetadata"]["HTTPStatusCode"], 403, "a wrong key")
        else:
            raise AssertionError("a wrong key opened an object")

    def go_on(self, s3):
        """The upload under way gets its last part and becomes an object; another object and a deletion do no harm."""
        if self.open:
            self.upload_parts(s3, "customer/late", self.open, (3,))
            self.complete(s3, "customer/late", self.open)
            self.open = None
        self.put(s3, "customer", f"customer/new-{time.monotonic_ns()}", os.urandom(400_000))
        s3.delete_object(Bucket=BUCKET, Key="many/0199")
        self.bodies.pop("many/0199", None)
        self.check(s3)


def source(key):
    """The arguments of a copy's source with a customer key."""
    return {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": key}


class Home:
    """Where a store is: a data directory, and URLs of a catalog and of blobs elsewhere."""

    def __init__(self, data, metadata=None, blobs=None):
        self.data, self.metadata, self.blobs = data, metadata, blobs

    def environment(self, side=None):
        """The variables that name it to `serve`, or to `migrate` as one side."""
        middle = f"{side}_" if side else ""
        found = {}
        if self.metadata:
            found[f"STRONGROOM_{middle}METADATA"] = self.metadata
        if self.blobs:
            url, credentials = self.blobs
            found[f"STRONGROOM_{middle}BLOBS"] = url
            prefix = f"STRONGROOM_{side}_" if side else ""
            found |= {prefix + name: value for name, value in credentials.items()}
        return found

    def server(self, binary):
        """A server over it, not started."""
        server = Server(binary, data=self.data)
        server.environment.pop("STRONGROOM_BLOBS", None)
        server.environment |= self.environment()
        return server


class Move:
    """The command, as often as it takes."""

    def __init__(self, binary, old, new, *flags):
        self.line = [binary, "migrate", "--from", str(old.data), "--to", str(new.data), *flags]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRONGROOM_", "AWS_"))}
        self.environment = kept | old.environment("FROM") | new.environment("TO")

    def run(self):
        """To its end: exit code, output."""
        ended = subprocess.run(self.line, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               timeout=RUN_SECONDS_MAX, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    def killed(self, step, seconds):
        """Killed so long after it said that it is at this step; whether it came to say so."""
        process = subprocess.Popen(self.line, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        with process:
            for line in process.stderr:
                if line.startswith(step):
                    time.sleep(seconds)
                    process.kill()
                    return True
        return False

    def done(self):
        """Runs to the end, which must be a good one."""
        code, said = self.run()
        checks.same(code, 0, said)
        return said


def refused(home, binary, words):
    """A server that must not start over this home, and says these words."""
    server = home.server(binary)
    try:
        server.start()
    except RuntimeError as error:
        checks.that(words in str(error), str(error))
    else:
        raise AssertionError("it started")
    finally:
        server.__exit__(None, None, None)


def interrupted(move, home, binary):
    """Kills runs at each of their steps; what they leave is not served."""
    for step, seconds in KILLS:
        checks.that(move.killed(step, seconds), f"no run came to {step}")
        refused(home, binary, "has not ended")


@contextlib.contextmanager
def postgres():
    """A PostgreSQL of the lane's own on a Unix socket; makes URLs of schemas."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise checks.Skip("no PostgreSQL (apt-get install postgresql)")
    work = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-pg-"))
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        shutil.chown(work, user, user)
    port = str(free_port())

    def call(program, *words):
        switch = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
        with open(os.devnull, "w") as nowhere:
            subprocess.run([*switch, str(found[-1].parent / program), *words], cwd=work, stdin=subprocess.DEVNULL,
                           stdout=nowhere, stderr=nowhere, timeout=120, check=True)

    call("initdb", "-D", "data", "-A", "trust", "-U", "strongroom", "-E", "UTF8", "--no-sync")
    try:
        call("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", f"-k {work} -p {port} -c listen_addresses='' -c fsync=off", "start")
        where = str(work).replace("/", "%2F")
        yield lambda schema: f"postgres://strongroom@{where}:{port}/postgres?schema={schema}"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            call("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(work, ignore_errors=True)


class Scratch:
    """Homes in a directory of the lane's own, and what was put into the first of them."""

    def __init__(self, binary, work):
        self.binary, self.work, self.homes = binary, pathlib.Path(work), 0

    def home(self, metadata=None, blobs=None):
        """A home that is not made yet."""
        self.homes += 1
        return Home(self.work / f"home-{self.homes}", metadata, blobs)

    def stocked(self, home):
        """A store with something of everything, whose server was killed."""
        with home.server(self.binary) as server:
            stock = Stock(server.boto3())
            stock.check(server.boto3())
            added = subprocess.run([self.binary, "user", "add", "alice", "--data-dir", str(home.data)], check=True, timeout=60,
                                   stdin=subprocess.DEVNULL, capture_output=True, text=True, env=server.environment)
            checks.that("[alice]" in added.stdout, added.stdout)
            server.kill()
        return stock

    def serves(self, home, stock):
        """The home serves all of the stock, knows its user, and goes on, over a restart too."""
        with home.server(self.binary) as server:
            stock.check(server.boto3())
            stock.go_on(server.boto3())
            listed = subprocess.run([self.binary, "user", "list", "--data-dir", str(home.data)], check=True, timeout=60,
                                    stdin=subprocess.DEVNULL, capture_output=True, text=True, env=server.environment)
            checks.that(listed.stdout.startswith("alice\t"), listed.stdout)
            checks.same(server.stop(), 0, "exit code")
            server.start()
            stock.check(server.boto3())
            checks.same(server.stop(), 0, "exit code")


def there_and_back(lane, scratch, name, make):
    """From a data directory to what `make` makes, through kills; then back, from the store as it is by then."""
    old, new, back = scratch.home(), make(), scratch.home()
    with lane.check(f"{name}: a killed server's store arrives, though runs are killed at every step"):
        stock = scratch.stocked(old)
        move = Move(scratch.binary, old, new)
        before = tree(old.data)
        interrupted(move, new, scratch.binary)
        said = move.done()
        checks.that("migrated\n" in said and "crc64" in said, said)
        checks.that("by an earlier run" in move.done(), "a second run did it again")
        checks.same(tree(old.data), before, "the old data directory")
        scratch.serves(new, stock)
    with lane.check(f"{name}: and back, the other one retired"):
        said = Move(scratch.binary, new, back, "--retire", "--read-back").done()
        checks.that("migrated\n" in said, said)
        scratch.serves(back, stock)
        refused(new, scratch.binary, "moved elsewhere")


def tree(data):
    """What a directory holds that a migration might change: the blobs' files and the server's secrets."""
    paths = [path for path in data.rglob("*") if path.is_file() and path.name not in ("lock.mdb", "serve.lock")]
    return {str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def refusals(lane, scratch):
    """What must not be moved is not."""
    home = scratch.home()
    with lane.check("a server's store is not moved while it is served"), home.server(scratch.binary) as server:
        code, said = Move(scratch.binary, home, scratch.home()).run()
        checks.that(code == 1 and "another server" in said, said)
        server.boto3().create_bucket(Bucket=BUCKET)
        server.boto3().put_object(Bucket=BUCKET, Key="key", Body=bytes(100_000))
    with lane.check("nothing is moved into itself, from nowhere, or over another store"):
        code, said = Move(scratch.binary, home, home).run()
        checks.that(code == 2 and "the same directory" in said, said)
        code, said = Move(scratch.binary, scratch.home(), scratch.home()).run()
        checks.that(code == 1 and "holds no catalog" in said, said)
        other = scratch.home()
        with other.server(scratch.binary):
            pass
        code, said = Move(scratch.binary, home, other).run()
        checks.that(code == 1 and "master key of its own" in said, said)
    with lane.check("a store that was served between two runs is refused"):
        new = scratch.home()
        move = Move(scratch.binary, home, new)
        checks.that(move.killed("planning", 0), "no run was killed")
        with home.server(scratch.binary):
            pass
        code, said = move.run()
        checks.that(code == 1 and "was served since" in said, said)


def restored(lane, scratch):
    """A backup whose blobs are younger than its catalog, as docs/operations/scale-out.md tells to make one."""
    live, copy, new = scratch.home(), scratch.home(), scratch.home()
    with lane.check("a catalog and blobs that were copied later make the store of the catalog's moment"):
        stock = scratch.stocked(live)
        shutil.copytree(live.data / "catalog", copy.data / "catalog")
        server = live.server(scratch.binary)
        server.environment["STRONGROOM_REMOVAL_GRACE_SECONDS"] = "3600"
        with server:
            s3 = server.boto3()
            for kind, name, version, _ in stock.versions[:18]:
                s3.delete_object(Bucket=BUCKET, Key=name, VersionId=version)
                s3.put_object(Bucket=BUCKET, Key=name, Body=os.urandom(50_000), **stock.arguments(kind))
            time.sleep(40)  # the default grace, and two rounds of reclaiming
            checks.same(server.stop(), 0, "exit code")
        shutil.copytree(live.data / "blobs", copy.data / "blobs")
        shutil.copy(live.data / "master.key", copy.data)
        Move(scratch.binary, copy, new, "--read-back").done()
        scratch.serves(new, stock)
    with lane.check("a backup that lacks a blob is not restored, and says which"):
        largest = max((path for path in (copy.data / "blobs").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        largest.unlink()
        code, said = Move(scratch.binary, copy, scratch.home()).run()
        checks.that(code == 1 and f"BlobId({int(largest.name, 16)})" in said and "is missing" in said, said)


def stays(lane, scratch, url):
    """Blobs that stay where they are: only the catalog moves, and the old one is no more."""
    with lane.check("to PostgreSQL, the blobs staying in their object store, which is nobody else's to move to"), strongroom(scratch.binary) as store:
        old = scratch.home(blobs=(store.below("stay"), store.environment))
        new = scratch.home(metadata=url("stays"), blobs=old.blobs)
        stock = scratch.stocked(old)
        code, said = Move(scratch.binary, old, new).run()
        checks.that(code == 1 and "--retire" in said, said)
        other = scratch.home()
        with other.server(scratch.binary):
            pass
        taken = scratch.home(blobs=old.blobs)
        code, said = Move(scratch.binary, other, taken).run()
        checks.that(code == 1 and "the target's blobs are marked as installation" in said, said)
        checks.that(not (taken.data / "blobs.location").exists(), "another's place was noted")
        Move(scratch.binary, old, new, "--retire").done()
        refused(old, scratch.binary, "moved elsewhere")
        scratch.serves(new, stock)


def run(lane, given):
    """All checks."""
    binary = str(pathlib.Path(given.bin).resolve())
    with tempfile.TemporaryDirectory(prefix="strongroom-migrate-") as work:
        scratch = Scratch(binary, work)
        refusals(lane, scratch)
        there_and_back(lane, scratch, "directory to directory", scratch.home)
        restored(lane, scratch)
        try:
            with postgres() as url, strongroom(binary) as store:
                there_and_back(lane, scratch, "PostgreSQL and files", lambda: scratch.home(metadata=url("files")))
                there_and_back(lane, scratch, "PostgreSQL and an object store",
                               lambda: scratch.home(url("store"), (store.below("moved"), store.environment)))
                stays(lane, scratch, url)
        except checks.Skip as reason:
            lane.skip("PostgreSQL", reason)
            with strongroom(binary) as store:
                there_and_back(lane, scratch, "LMDB and an object store",
                               lambda: scratch.home(blobs=(store.below("moved"), store.environment)))


if __name__ == "__main__":
    checks.main("migrate", run)
