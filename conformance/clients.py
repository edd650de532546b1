"""Clients that put, copy, delete (also many at once), complete, read and list on a few names, and what their answers say.

An answer tells which write it saw, also by refusing a key. Each becomes an operation of `linearizable.py` on its name; a
page of a listing becomes one for each name that it covers, DeleteObjects one for each of its keys; a copy is a look at
its source and a write of its target. Bodies are compared whole, whatever else is found. Does not: put the histories of
several clients together; `histories.py` does.
"""
import base64
import hashlib
import http.client
import itertools
import time

import keys
from kept import Kept
from linearizable import FOREVER, KEEP, Operation, anything
from raw import Answer, UNSIGNED
from writes import HOLDERS, NUMBER, PART, Condition, Row, Upload, absent, body_of, content_in, page, present, row_outcomes

# After an error, doubled with each further one: a dead server's clients do not spin.
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.05, 1.0
# The codes of a row of DeleteObjects whose outcome nobody knows.
OPEN_CODES = ("InternalError", "ServiceUnavailable", "SlowDown")


class Client:
    """One client: one request at a time, to the servers in turn."""

    def __init__(self, histories, chance, place, timeout):
        self.all, self.chance = histories, chance
        self.raws = [Kept(endpoint, timeout) for endpoint in histories.endpoints]
        self.turn, self.errors = itertools.count(place), 0
        self.outcomes, self.open = 0, 0  # in calm
        self.made = []  # (name, operation)

    def work(self, over):
        """Random operations until told to stop."""
        kinds, weights = zip(*self.all.weights.items())
        while not over.is_set():
            kind = self.chance.choices(kinds, weights)[0]
            self.all.kinds[kind] += 1
            getattr(self, kind)(self.chance.choice(self.all.names))

    # Requests

    def ask(self, method, name, headers, body=b"", query=None):
        """(begun, ended, answer or None): None where the outcome is open."""
        path = f"/{self.all.bucket}/{name}" if name else f"/{self.all.bucket}"
        was_calm, begun = self.all.is_calm, time.monotonic_ns()
        try:
            answer = self.answer_of_one(method, path, headers, body, query)
        except (OSError, http.client.HTTPException) as error:
            self.all.answers[type(error).__name__] += 1
            self.count(was_calm, is_open=True)
            self.pause()
            return begun, FOREVER, None
        ended = time.monotonic_ns()
        begins = answer.body[:400]
        is_error = answer.status >= 300 or (b"<Error>" in begins and b"<DeleteResult" not in begins)
        self.all.answers[f"{method} {answer.status}" + (f" {answer.code}" if is_error and answer.code else "")] += 1
        is_open = answer.broken or answer.status >= 500 or (is_error and answer.status == 200)
        self.count(was_calm, is_open)
        if is_open:
            self.pause()
            return begun, FOREVER, None
        self.errors = 0
        return begun, ended, answer

    def answer_of_one(self, *request):
        """The answer of the server whose turn it is, or of the next one where nobody listens: who was not connected to
        has done nothing. Were those outcomes open, too, a killed server would fill the histories with them."""
        for _ in self.raws[1:]:
            try:
                return self.answer(*request)
            except ConnectionRefusedError as error:
                self.all.answers[type(error).__name__] += 1
        return self.answer(*request)

    def answer(self, method, path, headers, body, query):
        """The answer of the server whose turn it is."""
        raw = self.raws[next(self.turn) % len(self.raws)]
        return raw.request(method, path, headers, body, query, payload=UNSIGNED if body else None)

    def count(self, was_calm, is_open):
        """Counts an outcome that was waited for in calm from beginning to end."""
        if was_calm and self.all.is_calm:
            self.outcomes, self.open = self.outcomes + 1, self.open + is_open

    def pause(self):
        """Waits a moment, and a longer one after each further error."""
        time.sleep(min(PAUSE_SECONDS * 2 ** min(self.errors, 10), PAUSE_SECONDS_MAX))
        self.errors += 1

    def patiently(self, method, name, headers):
        """An answer that is one, over any server, within two minutes."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            answer = self.ask(method, name, headers)[2]
            if answer:
                return answer
        raise AssertionError(f"{method} {name} is not answered")

    def headers(self, holder):
        """What a request under a holder carries."""
        return keys.trio(HOLDERS[holder]) if HOLDERS[holder] else {}

    def new(self, holder=None):
        """The number and holder of a new write."""
        number = next(self.all.numbers)
        self.all.holder_of[number] = holder = holder or self.chance.choice(list(HOLDERS))
        return number, holder, {NUMBER: str(number), **self.headers(holder)}

    def guess(self, name):
        """The holder of what is there, mostly."""
        latest = self.all.latest.get(name)
        return self.all.holder_of[latest] if latest and self.chance.random() < 0.85 else self.chance.choice(list(HOLDERS))

    # What an answer means

    def note(self, name, begun, ended, guard, leaves, told):
        """Adds an operation to the history."""
        self.made.append((name, Operation(begun, ended, guard, leaves, told)))

    def left(self, name, interval, guard, number, told, _version=None):
        """Adds a write of `number`, or a delete (`None`), to the history."""
        self.note(name, *interval, guard, number, told)

    def missing(self, _name, _answer):
        """The guard of a read that found nothing."""
        return absent

    def written(self, name, number, asked, guard, told):
        """A write of `number` over what `guard` allows; `True` if it is acknowledged, `None` if that is open."""
        begun, ended, answer = asked
        if answer is None:
            self.left(name, (begun, FOREVER), guard, number, f"{told}, outcome open")
            return None
        if answer.status in (200, 204):
            self.left(name, (begun, ended), guard, number, told, answer.headers.get("x-amz-version-id"))
            self.all.acknowledged.append(ended)
            etag = answer.headers.get("etag") or answer.error().get("ETag")
            if number is not None:
                self.all.known(self.all.etag_of, number, etag)
                self.all.latest[name] = number
            return True
        if (answer.status, answer.code) in ((409, "ConditionalRequestConflict"), (409, "OperationAborted")):
            return False  # it had no effect and says nothing
        return answer

    def refused(self, name, asked, meanings, told):
        """A refusal: what the status says of the state."""
        begun, ended, answer = asked
        guard = meanings.get(answer.status)
        if not guard:
            self.all.wrong.append(f"{told} of {name}: {answer!r}")
            return
        self.note(name, begun, ended, guard, KEEP, f"{told} answered {answer.status} {answer.code or ''}")

    def otherwise_held(self, holder):
        """The guard of a refused key."""
        return lambda state: state is not None and self.all.holder_of[state] != holder

    def has_etag(self, etag):
        """The guard of an ETag. A write whose answer was lost may have any until one is seen, except another write's;
        but the server's own are digests, and those of copies are alike."""
        def guard(state):
            if state is None or state in self.all.etag_of:
                return state is not None and self.all.etag_of[state] == etag
            return etag not in self.all.etags or self.all.holder_of[state] == "server"
        return guard

    def has_other_etag(self, etag):
        """The guard of another ETag."""
        return lambda state: state is not None and self.all.etag_of.get(state) != etag

    def has_no_etag(self, etag):
        """The guard of another ETag, or of nothing."""
        return lambda state: state is None or self.all.etag_of.get(state) != etag

    # Writes

    def put(self, name):
        """PutObject."""
        number, holder, headers = self.new()
        asked = self.ask("PUT", name, headers, body_of(number))
        self.all.content_of[number] = number
        outcome = self.written(name, number, asked, anything, f"put {number} under {holder}")
        if isinstance(outcome, Answer):
            self.refused(name, asked, {}, "a put")

    def put_if_absent(self, name):
        """PutObject with If-None-Match: *."""
        number, holder, headers = self.new()
        asked = self.ask("PUT", name, headers | {"If-None-Match": "*"}, body_of(number))
        self.all.content_of[number] = number
        outcome = self.written(name, number, asked, absent, f"put {number} under {holder} if absent")
        if isinstance(outcome, Answer):
            self.refused(name, asked, {412: present}, "a put if absent")

    def put_if_match(self, name):
        """PutObject with If-Match."""
        etag = self.all.etag_of.get(self.all.latest.get(name))
        if not etag:
            return self.put(name)
        number, holder, headers = self.new()
        asked = self.ask("PUT", name, headers | {"If-Match": etag}, body_of(number))
        self.all.content_of[number] = number
        outcome = self.written(name, number, asked, self.has_etag(etag), f"put {number} under {holder} if {etag}")
        if isinstance(outcome, Answer):
            self.refused(name, asked, {412: self.has_other_etag(etag), 404: absent}, f"a put if {etag}")
        return None

    def put_fresh(self, _name):
        """PutObject of a name that nobody else uses and that stays."""
        number, _holder, headers = self.new()
        name = f"fresh/{number}"
        self.all.fresh[name] = (number, False)
        answer = self.ask("PUT", name, headers, body_of(number))[2]
        if answer is not None and answer.status == 200:
            self.all.fresh[name] = (number, True)
            self.all.acknowledged.append(time.monotonic_ns())
        elif answer is not None:
            self.all.wrong.append(f"a put of {name}: {answer!r}")

    def copy(self, name):
        """CopyObject, also onto itself, under another or the same holder."""
        self.copy_of(name, "", self.copied)

    def copy_of(self, name, version, meanings):
        """The same of what the query `version` says. `meanings(number, holder)`: the guard of a success, and of each refusal."""
        source, (number, holder, headers) = self.chance.choice(self.all.names), self.new()
        from_holder = self.guess(source)
        headers |= {"x-amz-copy-source": f"/{self.all.bucket}/{source}{version}", "x-amz-metadata-directive": "REPLACE"}
        if HOLDERS[from_holder]:
            headers |= keys.source_trio(HOLDERS[from_holder])
        asked = self.ask("PUT", name, headers)
        told = f"copy {number} under {holder} from {source}{version}"
        outcome = self.written(name, number, asked, anything, told)
        success, refusals = meanings(number, from_holder)
        if outcome is True:
            self.note(source, *asked[:2], success, KEEP, f"{told} succeeded")
        elif isinstance(outcome, Answer):
            self.refused(source, asked, refusals, told)

    def copied(self, number, from_holder):
        """What a copy of the newest, or its refusal, says of it."""
        held = self.otherwise_held(from_holder)
        return self.copied_as(number, from_holder), {404: absent, 403: held, 400: held}

    def copied_as(self, number, from_holder):
        """The guard of what a copy was made of, as precise as what was read of the target before the check."""
        def guard(state):
            content = self.all.content_of.get(number)
            if state is None or self.all.holder_of[state] != from_holder:
                return False
            return content is None or self.all.content_of.get(state, content) == content
        return guard

    def complete(self, name):
        """A whole multipart upload; its last step is the write."""
        if upload := self.upload(name):
            condition = self.condition(name)
            asked = self.ask("POST", name, condition.headers, upload.document, {"uploadId": upload.id})
            told = f"complete {upload.number} under {self.all.holder_of[upload.number]}{condition.told}"
            outcome = self.written(name, upload.number, asked, condition.holds, told)
            if isinstance(outcome, Answer):
                self.refused(name, asked, condition.meanings(outcome), told)

    def condition(self, name):
        """What is asked of the newest version: mostly nothing."""
        etag, kind = self.all.etag_of.get(self.all.latest.get(name)), self.chance.random()
        if kind < 0.3:
            return Condition({"If-None-Match": "*"}, absent, present, " if absent")
        if kind < 0.5 and etag:
            return Condition({"If-Match": etag}, self.has_etag(etag), self.has_other_etag(etag), f" if {etag}")
        return Condition({}, anything, None, "")

    def upload(self, name):
        """A multipart upload up to its last part; nothing if an answer is missing."""
        number, holder, headers = self.new()
        self.all.content_of[number] = number
        body = body_of(number)
        create = self.ask("POST", name, headers, query={"uploads": ""})[2]
        if create is None:
            return None
        upload, etags = create.error().get("UploadId"), []
        for part, begin in enumerate(range(0, max(len(body), 1), PART), 1):
            query = {"partNumber": str(part), "uploadId": upload}
            answer = self.ask("PUT", name, self.headers(holder), body[begin:begin + PART], query)[2]
            if answer is None:
                return None
            if answer.status != 200:
                self.all.wrong.append(f"a part of {name}: {answer!r}")
                return None
            etags.append(answer.headers["etag"])
        return Upload(number, upload, etags)

    def delete(self, name):
        """DeleteObject."""
        asked = self.ask("DELETE", name, {})
        outcome = self.written(name, None, asked, anything, "delete")
        if isinstance(outcome, Answer):
            self.refused(name, asked, {}, "a delete")

    def delete_if_match(self, name):
        """DeleteObject with If-Match."""
        etag = self.all.etag_of.get(self.all.latest.get(name))
        if not etag:
            return self.delete(name)
        asked = self.ask("DELETE", name, {"If-Match": etag})
        outcome = self.written(name, None, asked, self.has_etag(etag), f"delete if {etag}")
        if isinstance(outcome, Answer):
            self.refused(name, asked, {412: self.has_no_etag(etag)}, f"a delete if {etag}")
        return None

    def delete_many(self, _name):
        """DeleteObjects: each row of it is an operation of its own, and has an outcome of its own."""
        rows, is_quiet = self.rows()
        quiet = "<Quiet>true</Quiet>" if is_quiet else ""
        document = f"<Delete>{''.join(row.element() for row in rows)}{quiet}</Delete>".encode()
        digest = base64.b64encode(hashlib.md5(document).digest()).decode()
        begun, ended, answer = self.ask("POST", "", {"Content-MD5": digest}, document, {"delete": ""})
        if answer is None:
            for row in rows:
                self.deleted(row, (begun, FOREVER), None)
            return
        if answer.status != 200:
            self.all.wrong.append(f"a delete of many: {answer!r}")
            return
        outcomes = row_outcomes(answer.body)
        for row in rows:
            outcome = outcomes.pop((row.name, row.version), {} if is_quiet else None)
            if outcome is None:
                self.all.wrong.append(f"a delete of many says nothing of {row.name} {row.version}")
            elif "Code" in outcome:
                self.undeleted(row, (begun, ended), outcome["Code"])
            else:
                self.deleted(row, (begun, ended), outcome)
                self.all.acknowledged.append(ended)
        if outcomes:
            self.all.wrong.append(f"a delete of many speaks of {sorted(outcomes, key=str)[:3]}, which it was not asked for")

    def rows(self):
        """What to delete at once, and whether only failures are to be told."""
        names = self.chance.sample(self.all.names, min(len(self.all.names), self.chance.randrange(2, 5)))
        etags = (self.all.etag_of.get(self.all.latest.get(name)) for name in names)
        return [Row(name, etag if self.chance.random() < 0.3 else None) for name, etag in zip(names, etags)], self.chance.random() < 0.3

    def deleted(self, row, interval, outcome):
        """A row that succeeded; without an outcome, nobody knows."""
        told = f"delete among many{f' if {row.etag}' if row.etag else ''}" + ("" if outcome is not None else ", outcome open")
        version = outcome.get("DeleteMarkerVersionId") if outcome else None
        self.left(row.name, interval, self.has_etag(row.etag) if row.etag else anything, None, told, version)

    def undeleted(self, row, interval, code):
        """A row that failed."""
        is_open = code in OPEN_CODES
        self.all.answers[f"a row of DeleteObjects {code}"] += 1
        self.count(self.all.is_calm, is_open)
        if is_open:
            self.deleted(row, (interval[0], FOREVER), None)
        elif row.etag and code == "PreconditionFailed":
            self.note(row.name, *interval, self.has_no_etag(row.etag), KEEP, f"a delete among many if {row.etag} answered {code}")
        elif code not in ("ConditionalRequestConflict", "OperationAborted"):
            self.all.wrong.append(f"a delete of {row.name} {row.version} among many: {code}")

    # Reads

    def get(self, name, holder=None):
        """GetObject."""
        return self.read("GET", name, holder)

    def head(self, name):
        """HeadObject."""
        return self.read("HEAD", name)

    def read(self, method, name, holder=None):
        """What is there, if it opens; the answer."""
        holder = holder or self.guess(name)
        asked = begun, ended, answer = self.ask(method, name, self.headers(holder))
        if answer is None:
            return None
        if answer.status != 200:
            held = self.otherwise_held(holder)
            missing = self.missing(name, answer)
            self.refused(name, asked, {404: missing, 403: held, 400: held}, f"a {method} under {holder}")
            return answer
        number = int(answer.headers[NUMBER])
        self.identified(name, number, answer)
        if self.all.holder_of.get(number) != holder:
            self.all.wrong.append(f"{name}: write {number} opened under {holder}")
        if method == "GET":
            self.whole(name, number, answer.body)
        elif number in self.all.content_of:
            length = len(body_of(self.all.content_of[number]))
            if int(answer.headers["content-length"]) != length:
                self.all.wrong.append(f"{name}: write {number} has {answer.headers['content-length']} bytes, not {length}")
        self.all.latest[name] = number
        self.note(name, begun, ended, lambda state: state == number, KEEP, f"a {method} saw {number}")
        return answer

    def identified(self, _name, number, answer):
        """Notes what an answer's headers say of a write."""
        self.all.known(self.all.etag_of, number, answer.headers["etag"])

    def whole(self, name, number, body):
        """Holds a body against the write that it names."""
        content = content_in(body)
        if content is None or body != body_of(content):
            self.all.wrong.append(f"{name}: the body of write {number} is none that was sent: {len(body)} bytes, {body[:16]!r}")
            return
        self.all.known(self.all.content_of, number, content)

    def look(self, name):
        """What is there now, whoever holds it; goes on until it is told."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for holder in HOLDERS:
                answer = self.get(name, holder)
                if answer is not None and answer.status in (200, 404):
                    return
        self.all.wrong.append(f"{name}: opens under no holder, and is not absent")

    def list_names(self, _name):
        """ListObjectsV2 to its end, in pages."""
        query = {"list-type": "2", "prefix": "c/", "max-keys": self.chance.choice(("2", "3", "1000"))}
        after, is_first = "", True
        while is_first or "continuation-token" in query:
            is_first = False
            begun, ended, answer = self.ask("GET", "", {}, query=query)
            if answer is None:
                return
            if answer.status != 200:
                self.all.wrong.append(f"a list: {answer!r}")
                return
            found, token = page(answer.body)
            last = max(found, default=after) if token else "\U0010ffff"
            for name in self.all.names:
                if not after < name <= last:
                    continue
                if name in found:
                    self.note(name, begun, ended, self.has_etag(found[name]), KEEP, f"a list saw {found[name]}")
                else:
                    self.note(name, begun, ended, absent, KEEP, "a list saw nothing")
            if extra := set(found) - set(self.all.names):
                self.all.wrong.append(f"a list shows {sorted(extra)[:3]}, which nobody wrote")
            after = last
            query.pop("continuation-token", None)
            query |= {"continuation-token": token} if token else {}
