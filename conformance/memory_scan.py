"""Looks for key material where none may be: the memory of a server that has served 1,000 SSE-C requests,
while some of its connections wait for their next request and again when all are closed, and every file
that it wrote, its log at the finest level included.

The server is a build with the feature `key-witness`: it notes every secret that it draws or derives in
a file of this lane's, so that the search knows what to look for. The same search is then shown to find
secrets in a server that was told not to wipe: a test that cannot fail proves nothing.
Needs the right to read another process's memory.
"""
import base64
import collections
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import pathlib
import random
import signal
import time
import urllib.parse

import keys
from checks import main, same, that
from guides import form
from http2 import Http2
from raw import Raw, UNSIGNED
from server import Server

REQUESTS = 1000
KEYS = 40
WINDOW = 8  # bytes compared at once
OVERLAP_BYTES = 256  # blocks overlap by more than the longest form of a secret
HALF = 16  # bytes of a secret in a row that count as a part of it
READ_BYTES = 1 << 20
STOP_SECONDS_MAX = 20
PAGE = os.sysconf("SC_PAGE_SIZE")
OPEN, MEMORY, FILES = PLACES = ("memory while connections wait", "memory", "files")
# Held for as long as the server lives, by design: it opens SSE-S3 objects and no customer's.
LIVING = ("master", "server")


def run(lane, given):
    """The search that must find nothing, and the one that must find something."""
    clean = Search(given.bin, {})
    with lane.check("the server's memory can be read"):
        clean.serve_and_scan()
    if clean.skipped:
        lane.skip("the memory scan", clean.skipped)
        return
    with lane.check(f"{REQUESTS} requests were of all kinds"):
        print("requests by kind and status:", dict(clean.kinds))
        same(sum(clean.kinds.values()) >= REQUESTS, True)
        that(len(clean.kinds) >= 15, f"only {len(clean.kinds)} kinds")
    with lane.check("the witness knows the secrets of every stage"):
        print("secrets by label:", dict(clean.labels))
        that(sum(clean.labels.values()) > REQUESTS, f"only {sum(clean.labels.values())} secrets")
        for label in ("ring-key", "kms-data-key"):
            that(clean.labels[label], f"no {label}")
    with lane.check("connections waited while the memory was read"):
        print("requests on them:", dict(clean.waiting))
        that(sum(clean.waiting.values()) >= 40, "too few requests")
    for what in PLACES:
        print(f"searched {clean.secrets_searched} secrets in {clean.scanned[what] / 1e6:.0f} MB of {what}")
        with lane.check(f"no whole copy of a secret in {what}"):
            that(clean.scanned[what], "nothing was searched")
            that(not clean.whole[what], "; ".join(clean.whole[what][:10]))
        with lane.check(f"no half of a secret in {what}"):
            that(not clean.halves[what], "; ".join(clean.halves[what][:10]))
    with lane.check("the log spoke of requests"):
        that(clean.log_lines > REQUESTS, f"only {clean.log_lines} lines")
    spoiled = Search(given.bin, {"STRONGROOM_TEST_NO_WIPE": "1"})
    with lane.check("with wiping switched off, the same search finds secrets"):
        spoiled.serve_and_scan()
        for what in (OPEN, MEMORY):
            print(f"found {len(spoiled.whole[what])} whole copies and {len(spoiled.halves[what])} halves in {what}")
            that(spoiled.whole[what], f"found none in {what}: the search, or the switch, does not work")


class Search:
    """One server, its load, and what was found."""

    def __init__(self, binary, environment):
        self.binary, self.environment = binary, environment
        self.kinds, self.labels, self.skipped = collections.Counter(), collections.Counter(), None
        self.waiting, self.secrets_searched, self.log_lines = collections.Counter(), 0, 0
        self.whole, self.halves = ({what: [] for what in PLACES} for _ in range(2))
        self.scanned = collections.Counter()

    def serve_and_scan(self):
        """Everything, on a server of its own."""
        server = Server(self.binary, environment={"STRONGROOM_LOG": "trace"} | self.environment)
        self.witness = server.scratch / "witness"
        server.environment["STRONGROOM_KEY_WITNESS"] = str(self.witness)
        with server:
            if not readable(server.pid):
                self.skipped = "no right to read another process's memory (run as root)"
                return
            held = [os.urandom(32) for _ in range(KEYS)]
            self.kinds = Workload(server, held).run()
            patient = Patient(server)
            self.waiting = patient.run()
            time.sleep(2)  # what the server does after its answers is done
            self.scan_memory(OPEN, server, held + patient.held)
            patient.close()
            time.sleep(2)
            needles = self.scan_memory(MEMORY, server, held + patient.held)
            self.scan_files(server, needles)
            self.log_lines = server.log().count("\n")

    def secrets(self, held, server):
        """bytes: label, of all that must not be found."""
        found = {}
        for number, key in enumerate(held):
            encoded = base64.b64encode(key)
            forms = {"": key, "base64": encoded, "hex": key.hex().encode(), "base64 in hex": encoded.hex().encode(),
                     "base64 in spaced hex": encoded.hex(" ").encode(),
                     "escaped base64": urllib.parse.quote_from_bytes(encoded, safe="").encode()}
            digest = hashlib.md5(key).digest()
            forms |= {"MD5": digest, "base64 of MD5": base64.b64encode(digest), "hex of MD5": digest.hex().encode()}
            found |= {form: f"customer key {number} {name}".strip() for name, form in forms.items()}
        master = (server.data / "master.key").read_bytes() if (server.data / "master.key").exists() else b""
        that(self.witness.is_file(), "no witness file: is this a build with the feature key-witness?")
        for line in self.witness.read_text().splitlines():
            label, _, text = line.rpartition(" ")
            secret = bytes.fromhex(text)
            if label.startswith(LIVING) or secret == master or len(set(secret)) < 4:
                continue
            self.labels[label] += 1
            found.setdefault(secret, label)
        return found

    def scan_memory(self, what, server, held):
        """The memory of the server, which stands still meanwhile; what it was searched for."""
        self.labels.clear()
        secrets = self.secrets(held, server)
        if what == OPEN:  # the last answer, with the MD5 in it, stays in the connection's output buffer
            secrets = {secret: label for secret, label in secrets.items() if "MD5" not in label}
        self.secrets_searched, needles = len(secrets), Needles(secrets)
        with stopped(server.pid):
            for name, data in memory(server.pid, server.data):
                self.note(what, name, needles, data)
        return needles

    def scan_files(self, server, needles):
        """Every file below the data directory, and the log. The server, which stands still, deletes none."""
        with stopped(server.pid):
            for path in [*server.files(), server.log_path]:
                self.scan_file(path, needles)

    def scan_file(self, path, needles):
        """One file, in blocks that overlap."""
        with open(path, "rb") as file:
            tail = b""
            while block := file.read(READ_BYTES):
                self.note(FILES, path.name, needles, tail + block)
                tail = block[-OVERLAP_BYTES:]

    def note(self, what, where, needles, data):
        """Sorts what is found in one stretch of bytes."""
        self.scanned[what] += len(data)
        for label, length, whole, at in needles.find(data):
            row = f"{label} ({length} bytes) in {where} at {at}"
            (self.whole if whole else self.halves)[what].append(row)


class Needles:
    """Many secrets searched at once: each by its aligned windows, so that a block whose beginning an
    allocator has overwritten is found by its rest."""

    def __init__(self, secrets):
        self.secrets, self.windows = secrets, collections.defaultdict(list)
        for secret in secrets:
            for at in range(0, len(secret) - WINDOW + 1, WINDOW):
                self.windows[int.from_bytes(secret[at:at + WINDOW], "little")].append((secret, at))
        self.known = frozenset(self.windows)

    def find(self, data):
        """(label, bytes in a row, whether whole, offset) of each stretch of a secret in `data`."""
        seen = set()
        for shift in range(WINDOW):
            view = memoryview(data)[shift:]
            numbers = view[:len(view) // WINDOW * WINDOW].cast("Q")
            for number in self.known.intersection(numbers):
                yield from self.around(data, number, seen)

    def around(self, data, number, seen):
        """Widens each place of a window to the whole stretch that agrees."""
        window = number.to_bytes(WINDOW, "little")
        at = data.find(window)
        while at >= 0:
            for secret, offset in self.windows[number]:
                first, last = 0, WINDOW
                while offset - first > 0 and at - first > 0 and secret[offset - first - 1] == data[at - first - 1]:
                    first += 1
                while offset + last < len(secret) and at + last < len(data) and secret[offset + last] == data[at + last]:
                    last += 1
                length, place = first + last, (secret, at - first)
                if length >= HALF and place not in seen:
                    seen.add(place)
                    yield self.secrets[secret], length, length == len(secret), at - first
            at = data.find(window, at + 1)


@contextlib.contextmanager
def stopped(pid):
    """Holds a process still: each of its threads, which on a busy machine ends its system call only a while later."""
    os.kill(pid, signal.SIGSTOP)
    try:
        until = time.monotonic() + STOP_SECONDS_MAX
        while any(state(task) not in "Tt" for task in pathlib.Path(f"/proc/{pid}/task").iterdir()):
            that(time.monotonic() < until, "the server does not stand still")
            time.sleep(0.01)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def state(task):
    """The letter of a thread's state; `T` of one that has ended, too."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "T"


def readable(pid):
    """Whether this process may read that one's memory."""
    try:
        with open(f"/proc/{pid}/mem", "rb"), open(f"/proc/{pid}/pagemap", "rb"):
            return True
    except PermissionError:
        return False


def memory(pid, data_directory):
    """(name, bytes) of every stretch of resident memory. Maps of files below the data directory are
    left to the search of the files themselves."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem, open(f"/proc/{pid}/pagemap", "rb", 0) as pages:
        for line in maps:
            span, rights, _, _, _, *name = line.split(maxsplit=5)
            name = name[0].strip() if name else "anonymous memory"
            if "r" not in rights or name.startswith(("[vvar", "[vsyscall")) or name.startswith(str(data_directory)):
                continue
            first, last = (int(end, 16) for end in span.split("-"))
            for start, end in resident(pages, first, last):
                yield from blocks(mem, start, end, f"{name} {start:x}")


def blocks(mem, start, end, name):
    """Reads a resident stretch in blocks that overlap by more than a secret's length."""
    while start < end:
        try:
            mem.seek(start)
            data = mem.read(min(READ_BYTES, end - start))
        except OSError:
            return  # a page that left between the two looks
        if not data:
            return
        yield name, data
        start += len(data) if start + len(data) >= end else len(data) - OVERLAP_BYTES


def resident(pages, first, last):
    """The stretches of [first, last) that are in memory or swap; a huge reserved map costs nothing."""
    begun, at = None, first
    while at < last:
        pages.seek(at // PAGE * 8)
        count = min((last - at) // PAGE, 1 << 16)
        entries = memoryview(pages.read(count * 8)).cast("Q")
        if not any(entries):
            if begun is not None:
                yield begun, at
                begun = None
            at += count * PAGE
            continue
        for entry in entries:
            if entry >> 62 and begun is None:
                begun = at
            elif not entry >> 62 and begun is not None:
                yield begun, at
                begun = None
            at += PAGE
    if begun is not None:
        yield begun, last


class Workload:
    """1,000 SSE-C requests: good ones, refused ones and broken ones, over many connections."""

    def __init__(self, server, held):
        self.server, self.held = server, held
        self.kinds = collections.Counter()

    def run(self):
        """All requests, by several clients at once; how many of each kind."""
        raw = Raw(self.server)
        same(raw.request("PUT", "/memory").status, 200)
        for number, key in enumerate(self.held):  # so that reads find something
            self.put(raw, random.Random(number), key, f"/memory/{number}/{number % 8}")
        shares = [range(start, REQUESTS, 8) for start in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.client, shares))
        self.kept_alive()
        return self.kinds

    def client(self, numbers):
        """One client's share."""
        raw = Raw(self.server)
        actions = [self.put, self.put, self.get, self.get, self.ranged, self.head, self.wrong_key, self.no_md5,
                   self.bad_md5, self.with_sse, self.short_key, self.chunked, self.presigned, self.in_query,
                   self.bad_signature, self.interrupted, self.list_and_delete, self.multipart, self.named_key, self.copy,
                   self.copy_anew, self.copy_with_wrong_key, self.copy_parts, self.form, self.form_with_bad_md5, self.interrupted_form]
        for number in numbers:
            action = actions[number % len(actions)] if number % 50 else self.multipart
            chance = random.Random(number)
            key = self.held[number % KEYS]
            action(raw, chance, key, f"/memory/{number % KEYS}/{number % 8}")

    def count(self, name, answer):
        """Notes an answer."""
        self.kinds[f"{name} {answer.status}"] += 1
        return answer

    def put(self, raw, chance, key, path):
        """Inline and large bodies."""
        body = chance.randbytes(chance.choice((0, 100, 16384, 16385, 200_000)))
        self.count("PUT", raw.request("PUT", path, keys.trio(key), body))

    def get(self, raw, chance, key, path):
        """A whole body."""
        self.count("GET", raw.request("GET", path, keys.trio(key)))

    def ranged(self, raw, chance, key, path):
        """A part of one."""
        self.count("range", raw.request("GET", path, keys.trio(key) | {"Range": "bytes=10-20"}))

    def head(self, raw, chance, key, path):
        """HeadObject."""
        self.count("HEAD", raw.request("HEAD", path, keys.trio(key)))

    def wrong_key(self, raw, chance, key, path):
        """A key that does not fit must go as well."""
        self.count("wrong key", raw.request("GET", path, keys.trio(next(other for other in self.held if other != key))))

    def named_key(self, raw, chance, key, path):
        """SSE-KMS: the ring's key and the version's data key must go with the request."""
        asked = {"x-amz-server-side-encryption": "aws:kms"}
        self.count("PUT under a named key", raw.request("PUT", f"{path}-named", asked, chance.randbytes(100)))
        self.count("GET under a named key", raw.request("GET", f"{path}-named"))

    def no_md5(self, raw, chance, key, path):
        """E6."""
        headers = {name: value for name, value in keys.trio(key).items() if name != keys.MD5}
        self.count("no MD5", raw.request("PUT", path, headers, b"x"))

    def bad_md5(self, raw, chance, key, path):
        """E7."""
        self.count("bad MD5", raw.request("PUT", path, keys.trio(key) | {keys.MD5: "x"}, b"x"))

    def with_sse(self, raw, chance, key, path):
        """E10."""
        self.count("both kinds", raw.request("PUT", path, keys.trio(key) | {keys.SSE: "AES256"}, b"x"))

    def short_key(self, raw, chance, key, path):
        """E9: most of a key is still most of a secret."""
        self.count("short key", raw.request("PUT", path, keys.trio(key[:31]), b"x"))

    def chunked(self, raw, chance, key, path):
        """aws-chunked."""
        target, sent, body = raw.chunked(path, [bytes(70_000), b"end"], keys.trio(key))
        self.count("chunked", raw.send("PUT", target, sent, body))

    def presigned(self, raw, chance, key, path):
        """A presigned URL with the key in headers."""
        target = raw.presigned("GET", path, keys.trio(key))
        self.count("presigned", raw.send("GET", target, [("Host", raw.host), *keys.trio(key).items()]))

    def in_query(self, raw, chance, key, path):
        """A presigned URL with the key in the URL itself."""
        target = raw.presigned("GET", path, {}, keys.trio(key))
        self.count("key in query", raw.send("GET", target, [("Host", raw.host)]))

    def bad_signature(self, raw, chance, key, path):
        """The canonical request holds the key."""
        self.count("bad signature", raw.request("GET", path, keys.trio(key), secret="wrong"))

    def interrupted(self, raw, chance, key, path):
        """Half a body."""
        target, sent = raw.signed("PUT", path, keys.trio(key), payload=UNSIGNED)
        raw.half("PUT", target, sent + [("Content-Length", "900000")], bytes(300_000))
        self.kinds["interrupted"] += 1

    def list_and_delete(self, raw, chance, key, path):
        """Operations that ignore the key, and must forget it too."""
        self.count("list", raw.request("GET", "/memory", keys.trio(key), query={"list-type": "2"}))
        self.count("DELETE", raw.request("DELETE", path + "-gone", keys.trio(key)))

    def multipart(self, raw, chance, key, path):
        """Create, two parts, complete with the key or without, or abort."""
        answer = self.count("create upload", raw.request("POST", path, keys.trio(key), query={"uploads": ""}))
        upload = answer.error().get("UploadId", "")
        rows = ""
        for number, size in ((1, 5 << 20), (2, 30_000)):
            query = {"partNumber": str(number), "uploadId": upload}
            answer = self.count("part", raw.request("PUT", path, keys.trio(key), bytes(size), query, payload=UNSIGNED))
            rows += f"<Part><PartNumber>{number}</PartNumber><ETag>{answer.headers.get('etag')}</ETag></Part>"
        if chance.random() < 0.2:
            self.count("abort", raw.request("DELETE", path, query={"uploadId": upload}))
            return
        document = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        headers = keys.trio(key) if chance.random() < 0.5 else {}
        self.count("complete", raw.request("POST", path, headers, document, {"uploadId": upload}))

    def copying(self, key, path):
        """The headers of a copy from `path`, and a key for its target."""
        other = self.held[(self.held.index(key) + 1) % KEYS]
        return {"x-amz-copy-source": path} | keys.source_trio(key), other

    def copy(self, raw, chance, key, path):
        """A copy that shares the body, and one that the server's key seals."""
        headers, other = self.copying(key, path)
        self.count("copy", raw.request("PUT", path + "-copied", headers | keys.trio(other)))
        self.count("copy to the server's key", raw.request("PUT", path + "-opened", headers))

    def copy_anew(self, raw, chance, key, path):
        """A copy that seals the body again."""
        headers, other = self.copying(key, path)
        anew = headers | keys.trio(other) | {"x-strongroom-copy-mode": "reencrypt"}
        self.count("copy anew", raw.request("PUT", path + "-anew", anew))

    def copy_with_wrong_key(self, raw, chance, key, path):
        """E15: both keys came for nothing."""
        headers, other = self.copying(key, path)
        self.count("copy with the wrong key", raw.request("PUT", path + "-never", headers | keys.source_trio(other) | keys.trio(key)))

    def copy_parts(self, raw, chance, key, path):
        """Parts by copy, of the whole and of a range, completed with the key or without."""
        headers, other = self.copying(key, path)
        at = path + "-parts"
        answer = self.count("create upload", raw.request("POST", at, keys.trio(other), query={"uploads": ""}))
        upload, own = answer.error().get("UploadId", ""), keys.trio(other)
        query = {"partNumber": "1", "uploadId": upload}
        for kind, more in (("range of a part copy", {"x-amz-copy-source-range": "bytes=0-50"}), ("part copy", {})):
            answer = self.count(kind, raw.request("PUT", at, headers | own | more, query=query))
        rows = f"<Part><PartNumber>1</PartNumber><ETag>{answer.error().get('ETag')}</ETag></Part>"
        document = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        headers = own if chance.random() < 0.5 else {}
        self.count("complete copied parts", raw.request("POST", at, headers, document, {"uploadId": upload}))

    def form(self, raw, chance, key, path):
        """A form whose fields, and whose policy, hold the key; its file is small or large."""
        name, file = path.removeprefix("/memory/") + "-posted", chance.randbytes(chance.choice((0, 100, 200_000)))
        self.count("form", raw.send("POST", *form(raw, "memory", name, keys.trio(key), file)))

    def form_with_bad_md5(self, raw, chance, key, path):
        """E7, in a field."""
        fields = keys.trio(key) | {keys.MD5: "x"}
        self.count("form with a bad MD5", raw.send("POST", *form(raw, "memory", "never", fields, b"x")))

    def interrupted_form(self, raw, chance, key, path):
        """A form that ends in its file."""
        target, headers, body = form(raw, "memory", "never", keys.trio(key), bytes(300_000))
        raw.half("POST", target, headers + [("Content-Length", str(len(body)))], body[:200_000])
        self.kinds["interrupted form"] += 1

    def kept_alive(self):
        """The SDK's way: many requests on a few connections, which then close."""
        s3 = self.server.boto3()
        for number in range(60):
            key = keys.boto(self.held[number % KEYS])
            s3.put_object(Bucket="memory", Key="alive", Body=bytes(number * 1000), **key)
            s3.get_object(Bucket="memory", Key="alive", **key)["Body"].read()
            self.kinds["kept alive"] += 2
        s3.close()


class Patient:
    """HTTP/1 connections that do what `Workload` does and then wait for their next request, which never
    comes. Each has keys of its own, so that a finding tells which it was. Connections of HTTP/2 are closed
    before the first look: the buffer of their frames keeps heads for as long as they live (SECURITY.md)."""

    def __init__(self, server):
        self.server, self.raw, self.open = server, Raw(server), []
        self.held, self.counts = [], collections.Counter()

    def run(self):
        """How many requests of each kind were answered."""
        for number in range(4):
            path = f"/memory/patient-{number}"
            self.on_http1(self.whole_requests(self.fresh(), path))
            self.on_http2(self.whole_requests(self.fresh(), path))
        for send in (self.on_http1, self.on_http2):
            for request in self.last_requests():
                send([request])
        self.pipelined()
        for _ in range(4):
            self.broken_off()
        return self.counts

    def fresh(self):
        """A key that only this connection uses."""
        self.held.append(os.urandom(32))
        return self.held[-1]

    def whole_requests(self, key, path):
        """(kind, method, target, headers, body) of requests that succeed. The last carries a key."""
        body = os.urandom(50_000)
        for kind, method, headers in (("PUT", "PUT", {}), ("HEAD", "HEAD", {}), ("range", "GET", {"Range": "bytes=1-2"}), ("GET", "GET", {})):
            sent = body if method == "PUT" else b""
            yield kind, method, *self.raw.signed(method, path, keys.trio(key) | headers, sent), sent
        rekeyed = keys.trio(self.fresh()) | keys.source_trio(key) | {"x-amz-copy-source": path}
        yield "copy", "PUT", *self.raw.signed("PUT", path + "-copied", rekeyed), b""
        target, headers, body = form(self.raw, "memory", path[8:] + "-posted", keys.trio(self.fresh()), os.urandom(1000))
        yield "form", "POST", target, headers, body
        target = self.raw.presigned("GET", path, {}, keys.trio(key))
        yield "key in query", "GET", target, [("Host", self.raw.host)], b""

    def last_requests(self):
        """Requests after which nothing comes: refused ones, whose connection stays open where the server allows
        it, and forms."""
        path = "/memory/patient-0"
        for kind, signing in (("wrong key", {}), ("bad signature", {"secret": "wrong"}), ("unknown access key", {"access": "nobody"})):
            yield kind, "GET", *self.raw.signed("GET", path, keys.trio(self.fresh()), **signing), b""
        no_md5 = {name: value for name, value in keys.trio(self.fresh()).items() if name != keys.MD5}
        yield "no MD5", "PUT", *self.raw.signed("PUT", path, no_md5, b"x"), b"x"
        bad_md5 = keys.trio(self.fresh()) | {keys.MD5: "x"}
        yield "bad MD5", "GET", *self.raw.signed("GET", path, bad_md5), b""
        obs = {name.replace("x-amz", "x-obs"): value for name, value in keys.trio(self.fresh()).items()}
        yield "another vendor's names", "GET", *self.raw.signed("GET", path, obs), b""
        yield "source's key", "GET", *self.raw.signed("GET", path, keys.source_trio(self.fresh())), b""
        for kind, size in (("form, and nothing after it", 1000), ("form with a large file", 40_000)):
            target, headers, body = form(self.raw, "memory", "patient-form", keys.trio(self.fresh()), os.urandom(size))
            yield kind, "POST", target, headers, body
        never = {"x-amz-copy-source": path} | keys.source_trio(self.fresh()) | keys.trio(self.fresh())
        yield "copy with the wrong key", "PUT", *self.raw.signed("PUT", "/memory/never", never), b""
        query = f"{keys.KEY}={keys.b64(self.fresh())}"
        yield "malformed target", "GET", f"/memory/{{a b}}?{query}", [("Host", self.raw.host)], b""
        yield "no such method", "BREW", f"/memory/a?{query}", [("Host", self.raw.host)], b""

    def on_http1(self, requests):
        """Asks one after the other on a connection that is then left open."""
        connection = self.raw.connect()
        self.open.append(connection)
        for kind, method, target, headers, body in requests:
            connection._validate_path = lambda _: None  # the standard library's own refusal of a malformed target
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers + ([("Content-Length", str(len(body)))] if body else []):
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(body)
            answer = connection.getresponse()
            answer.read()
            self.counts[f"{kind} {answer.status}"] += 1

    def on_http2(self, requests):
        """The same over HTTP/2, on a connection that is then closed."""
        connection = Http2(self.server)
        for kind, method, target, headers, body in requests:
            try:
                status, _ = connection.request(method, target, headers, body)
            except ConnectionError:
                status = "broken off"
            self.counts[f"{kind} over HTTP/2 {status}"] += 1
        connection.close()

    def pipelined(self):
        """Two heads at once, the second in two pieces: the server must move what it has of it."""
        first, second = (self.head_of(self.fresh()) for _ in range(2))
        connection = self.raw.connect()
        self.open.append(connection)
        connection.connect()
        connection.sock.sendall(first + second[:-20])
        time.sleep(0.2)
        connection.sock.sendall(second[-20:])
        for _ in range(2):
            answer = http.client.HTTPResponse(connection.sock, method="HEAD")
            answer.begin()
            self.counts[f"pipelined {answer.status}"] += 1

    def broken_off(self):
        """Most of a head, and then the client goes away."""
        connection = self.raw.connect()
        connection.connect()
        connection.sock.sendall(self.head_of(self.fresh())[:-20])
        time.sleep(0.1)
        connection.close()
        self.counts["broken-off head"] += 1

    def head_of(self, key):
        """A HEAD request as bytes. Its key fits nothing."""
        target, headers = self.raw.signed("HEAD", "/memory/patient-0", keys.trio(key))
        lines = [f"HEAD {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode()

    def close(self):
        """Now they end."""
        for connection in self.open:
            connection.close()


if __name__ == "__main__":
    main("memory_scan", run)
