"""The same histories in a bucket with versions: what is under a name is the list of its versions, newest first.

A write adds a version, a delete adds a marker, a delete of a version takes it away, and whatever asks for no version sees
the newest. Every version and marker has a number; its id is learned from the answer that made it, and stands for it in
all later answers. Of a page of ListObjectVersions each version by itself must have been there, the newest or not, at some
moment of the request, and what is missing must have been away at some moment: S3 promises no snapshot of several. Their
order never changes, so what any page shows of it holds for the writes before, too; this keeps the search small.

Nobody deletes a version that has not been seen with its number, and at the end of each window all ids are looked up. So
a write whose answer was lost and that is not seen then has not happened yet. Markers carry no number: those whose
answers were lost get theirs in the order in which they were asked for. Does not: suspend versioning.
"""
import re

from histories import HOLDERS, NUMBER, Client, Histories, Row, absent
from linearizable import FOREVER, KEEP, NotLinearizable, Operation, Register
from raw import UNSIGNED
from version_copies import VersionCopies
from version_operations import Push, Removal, Whole
from version_pages import Listing, Looks, VersionPage

WEIGHTS = {"put": 16, "put_if_absent": 6, "put_if_match": 6, "copy": 8, "complete": 4, "delete": 8, "delete_if_match": 3, "delete_version": 14,
           "copy_version": 8, "delete_many": 6, "get": 12, "head": 5, "get_version": 12, "list_names": 4, "list_versions": 10}
VERSIONS_MAX = 6  # of a name, by and large: the states that are possible at once grow with it
GONE_MAX = 8
TOLD_MAX = 12  # operations in a message
VERSION_ID, DELETE_MARKER = "x-amz-version-id", "x-amz-delete-marker"
NO_VERSION = "of-nothing"


class VersionHistories(Histories):
    """What is known of all names and versions."""

    def __init__(self, endpoints, clients=6, names=5, weights=None, seed=0, timeout=120):
        super().__init__(endpoints, clients, names, weights or WEIGHTS, f"versions {seed}", timeout)
        self.registers = {name: Register(states=((),)) for name in self.names}
        self.markers = set()  # numbers
        self.number_of, self.id_of = {}, {}  # (name, version id): number, and back
        self.there = {name: {} for name in self.names}  # numbers with an id that nobody has deleted; only a hint
        self.gone = {name: [] for name in self.names}
        self.unknown = {name: {} for name in self.names}  # ids of markers that nobody got as an answer
        self.shown = {name: [] for name in self.names}  # ids as pages had them, newest first
        self.older = {name: {} for name in self.names}  # number: those that some page had below it
        self.waiting = {name: [] for name in self.names}  # open writes that have not been seen

    def client(self, chance, place, timeout):
        return VersionClient(self, chance, place, timeout)

    def make_bucket(self):
        super().make_bucket()
        document = versioning("Enabled")
        for raw in self.clients[0].raws:
            answer = raw.request("PUT", f"/{self.bucket}", body=document, query={"versioning": ""}, payload=UNSIGNED)
            assert answer.status == 200, answer

    def versions(self, state):
        """The numbers of the versions in a state: here they are all of it."""
        return state

    def with_versions(self, _state, versions):
        """The state with other versions."""
        return versions

    def fits(self, _state, _number):
        """Whether a state lets a write of this number be: here all do."""
        return True

    def above(self, versions, number):
        """The versions after a write of another."""
        return (number, *versions)

    def present(self, name):
        """The numbers of the versions that may be there."""
        return {number for state, _ in self.registers[name].possible for number in self.versions(state)}

    def top(self, versions):
        """The number of the newest version, or nothing under a marker."""
        return None if not versions or versions[0] in self.markers else versions[0]

    def over_top(self, guard):
        """A guard of what is under a name, as one of its versions."""
        if isinstance(guard, Whole):
            return lambda state: guard.guard(self.versions(state))
        return lambda state: guard(self.top(self.versions(state)))

    def may_push(self, name, guard, number):
        """The guard of a write of a version."""
        over_top, older = self.over_top(guard), self.older[name]

        def may(state):
            return self.fits(state, number) and over_top(state) and not any(number in older.get(other, ()) for other in self.versions(state))
        return may

    def pushed(self, state, number):
        """The state after it."""
        return self.with_versions(state, self.above(self.versions(state), number))

    def push(self, name, interval, guard, number, told):
        """A write of a version."""
        return Push(*interval, self.may_push(name, guard, number), lambda state: self.pushed(state, number), told, number)

    def remove(self, interval, guard, number, told):
        """A delete of a version."""
        def removed(state):
            return self.with_versions(state, tuple(other for other in self.versions(state) if other != number))
        return Removal(*interval, self.over_top(Whole(guard)), removed, told, number)

    def ends(self, _name, operations):
        """When each number was gone at the latest, as far as that is known."""
        ends = {}
        for operation in operations:
            if isinstance(operation, Removal):
                ends[operation.number] = min(operation.ended, ends.get(operation.number, FOREVER))
        return ends

    def meant(self, name, row, _numbers):
        """The numbers that a row of a page may mean, of those that were there."""
        number = self.number_of.get((name, row.version))
        return [] if number is None else [number]

    def identify(self, name, number, version):
        """Notes the id of a version, or of a marker; it never changes."""
        if not version:
            self.wrong.append(f"{name}: write {number} has no version id")
            return
        if self.number_of.setdefault((name, version), number) != number:
            self.wrong.append(f"{name}: version {version} is write {self.number_of[name, version]} and now {number}")
        if number not in self.id_of:
            self.there[name][number] = True
        if self.id_of.setdefault(number, version) != version:
            self.wrong.append(f"{name}: write {number} is version {self.id_of[number]} and now {version}")

    def numbers_of(self, name, ids):
        """Numbers where they are known; an id that is nobody's stands for itself, and is nowhere."""
        return tuple(self.number_of.get((name, version), version) for version in ids)

    def judge(self, name, operations):
        register = self.registers[name]
        listings = [operation for operation in operations if isinstance(operation, Listing)]
        operations = [*self.waiting[name], *(operation for operation in operations if not isinstance(operation, Listing))]
        self.name_markers(name, operations)
        self.order(name)
        operations += Looks(self, name, operations).all(listings)
        self.waiting[name] = [operation for operation in operations if self.is_unseen(operation)]
        seen = self.to_check(operations)
        try:
            register.check(seen)
        except NotLinearizable as error:
            raise NotLinearizable(f"{error}; {self.story(name, seen, error)}") from error
        present = self.present(name)
        for operation in list(register.unfinished):
            if isinstance(operation, Removal) and operation.number not in present:
                register.forget(operation)  # numbers never come back
        self.older[name] = {number: below & present for number, below in self.older[name].items() if number in present}

    def to_check(self, operations):
        """Those of the operations that the register has to explain by now."""
        return [operation for operation in operations if not self.is_unseen(operation)]

    def story(self, name, operations, error):
        """What a message needs besides: the numbers of the ids in it, and the operations just before."""
        ids = re.findall(r"\b[0-9a-f]{32}\b", str(error))
        before = sorted((operation for operation in operations if operation.begun <= error.moment), key=lambda operation: operation.begun)
        return f"ids: {dict(zip(ids, self.numbers_of(name, ids)))}; before: {before[-TOLD_MAX:]}"

    def is_unseen(self, operation):
        """Whether it is a write that has not happened up to the end of this window."""
        return isinstance(operation, Push) and operation.ended == FOREVER and operation.number not in self.id_of

    def name_markers(self, name, operations):
        """Gives the ids of markers that nobody got as an answer to the deletes whose answers were lost."""
        ids = [version for version in self.unknown[name] if (name, version) not in self.number_of]
        last = self.shown[name][-1] if self.shown[name] else []
        ids.sort(key=lambda version: -last.index(version) if version in last else 0)
        lost = sorted((operation for operation in operations if self.is_unseen(operation) and operation.number in self.markers),
                      key=lambda operation: operation.begun)
        for version, operation in zip(ids, lost):
            self.identify(name, operation.number, version)
        self.unknown[name] = {}

    def order(self, name):
        """Takes in what pages showed of the order of versions."""
        older = self.older[name]
        for ids in self.shown[name]:
            numbers = self.numbers_of(name, ids)
            for place, number in enumerate(numbers):
                below = older.setdefault(number, set())
                below.update(numbers[place + 1:])
                if crossed := next((other for other in below if number in older.get(other, ())), None):
                    self.wrong.append(f"{name}: pages disagree whether version {number} or {crossed} is newer")
        self.shown[name] = []


class VersionClient(VersionCopies, Client):
    """One client of a bucket with versions."""

    # What an answer means

    def note(self, name, begun, ended, guard, leaves, told):
        self.made.append((name, Operation(begun, ended, self.all.over_top(guard), leaves, told)))

    def left(self, name, interval, guard, number, told, version=None):
        if number is None:
            number = next(self.all.numbers)
            self.all.markers.add(number)
            told = f"{told}, by marker {number}"
        if interval[1] != FOREVER:
            self.all.identify(name, number, version)
        self.made.append((name, self.all.push(name, interval, guard, number, told)))

    def missing(self, name, answer):
        """Nothing was ever there or is left, or the newest is this marker."""
        if answer.headers.get(DELETE_MARKER) != "true":
            return Whole(lambda state: state == ())
        version = answer.headers.get(VERSION_ID)
        self.marked(name, version)
        return Whole(lambda state: state[:1] == self.all.numbers_of(name, [version]))

    def marked(self, name, version):
        """Notes that a marker was seen."""
        if (name, version) not in self.all.number_of:
            self.all.unknown[name][version] = True

    def identified(self, name, number, answer):
        super().identified(name, number, answer)
        self.all.identify(name, number, answer.headers.get(VERSION_ID))

    # Writes

    def work_on(self, name, write):
        """A write, or a delete of a version where there are many."""
        return self.delete_version(name) if len(self.all.there[name]) >= VERSIONS_MAX else write(name)

    def put(self, name):
        return self.work_on(name, super().put)

    def copy(self, name):
        return self.work_on(name, super().copy)

    def complete(self, name):
        return self.work_on(name, super().complete)

    def delete(self, name):
        return self.work_on(name, super().delete)

    def delete_if_match(self, name):
        return self.work_on(name, super().delete_if_match)

    def some_version(self, name):
        """The number of a version that is there, or was a moment ago."""
        there, gone = list(self.all.there[name]), self.all.gone[name]
        few = there if there and (not gone or self.chance.random() < 0.85) else gone
        return self.chance.choice(few) if few else None

    def delete_version(self, name):
        """DeleteObject of a version, or of a marker."""
        number = self.some_version(name)
        if number is None:
            return
        begun, ended, answer = self.ask("DELETE", name, {}, query={"versionId": self.all.id_of[number]})
        if answer is None:
            self.removed(name, (begun, FOREVER), number)
        elif answer.status == 204:
            self.removed(name, (begun, ended), number, answer.headers.get(DELETE_MARKER) == "true")
            self.all.acknowledged.append(ended)
        elif (answer.status, answer.code) not in ((409, "ConditionalRequestConflict"), (409, "OperationAborted")):
            self.all.wrong.append(f"a delete of version {number} of {name}: {answer!r}")

    def removed(self, name, interval, number, was_marker=None, told="delete of version"):
        """A version is gone. `was_marker`: whether the answer says that a marker was there, or nothing of it."""
        def guard(state):
            return was_marker is None or number not in self.all.markers or (number in state) == was_marker
        if was_marker and number not in self.all.markers:
            self.all.wrong.append(f"{name}: version {number} was deleted as a marker, which it is not")
        is_open = interval[1] == FOREVER
        if not is_open and self.all.there[name].pop(number, None):
            self.all.gone[name] = [*self.all.gone[name], number][-GONE_MAX:]
        told = f"{told} {number}" + (", outcome open" if is_open else "")
        self.made.append((name, self.all.remove(interval, guard, number, told)))

    def rows(self):
        """Versions, markers to be made, and now and then an id of nothing. Quiet where no new id is to be told."""
        rows, is_quiet = [], self.chance.random() < 0.3
        for name in self.chance.sample(self.all.names, min(len(self.all.names), self.chance.randrange(2, 5))):
            number = self.some_version(name)
            if number is not None and (is_quiet or self.chance.random() < 0.6 or len(self.all.there[name]) >= VERSIONS_MAX):
                rows.append(Row(name, version=self.all.id_of[number]))
            elif not is_quiet:
                etag = self.all.etag_of.get(self.all.latest.get(name))
                rows.append(Row(name, etag if self.chance.random() < 0.3 else None))
        if not rows or self.chance.random() < 0.2:
            rows.append(Row(self.chance.choice(self.all.names), version=NO_VERSION))
        return rows, is_quiet

    def deleted(self, row, interval, outcome):
        if row.version is None:
            super().deleted(row, interval, outcome)
            return
        number = self.all.number_of.get((row.name, row.version))
        if number is None:
            if outcome is not None:
                self.all.wrong.append(f"version {row.version} of {row.name}, which is no id, was deleted among many")
            return
        was_marker = outcome.get("DeleteMarker") == "true" if outcome else None  # in quiet mode nothing is said
        self.removed(row.name, interval, number, was_marker, "delete among many of version")

    def undeleted(self, row, interval, code):
        if row.version != NO_VERSION:
            super().undeleted(row, interval, code)
        elif code != "NoSuchVersion":
            self.all.wrong.append(f"a delete of {row.name} {row.version}, which is no id, among many: {code}")

    # Reads

    def get_version(self, name):
        """GetObject or HeadObject of a version, mostly with its key."""
        number = self.some_version(name)
        if number is not None:
            own = self.all.holder_of.get(number)
            holder = own if own and self.chance.random() < 0.85 else self.chance.choice(list(HOLDERS))
            self.read_version(self.chance.choice(("GET", "HEAD")), name, number, holder)

    def read_version(self, method, name, number, holder):
        """What a version's id says."""
        version = self.all.id_of[number]
        begun, ended, answer = self.ask(method, name, self.headers(holder), query={"versionId": version})
        if answer is None:
            return
        told, is_there = f"a {method} of version {number} answered {answer.status}", answer.status != 404
        if answer.status == 200 and answer.headers.get(NUMBER) == str(number) and answer.headers.get(VERSION_ID) == version:
            self.identified(name, number, answer)
            if method == "GET":
                self.whole(name, number, answer.body)
            is_right = self.all.holder_of[number] == holder
        elif answer.status in (400, 403):
            is_right = number not in self.all.markers and self.all.holder_of[number] != holder
        elif answer.status == 405:
            is_right = number in self.all.markers
        else:
            is_right = answer.status == 404 and answer.code in (None, "NoSuchVersion")
        if not is_right:
            self.all.wrong.append(f"{name}: {told} under {holder}, {answer!r}")
        self.note(name, begun, ended, Whole(lambda state: (number in state) == is_there), KEEP, told)

    def list_versions(self, _name):
        """ListObjectVersions to its end, in pages."""
        query = {"versions": "", "prefix": "c/", "max-keys": self.chance.choice(("3", "7", "1000"))}
        marker = ("", None)
        while marker:
            begun, ended, answer = self.ask("GET", "", {}, query=query)
            if answer is None:
                return
            if answer.status != 200:
                self.all.wrong.append(f"a list of versions: {answer!r}")
                return
            page = VersionPage(answer.body, marker)
            self.page_seen(page, (begun, ended))
            marker = page.next
            query |= dict(zip(("key-marker", "version-id-marker"), marker)) if marker else {}

    def page_seen(self, page, interval):
        """What a page says of each name that it covers."""
        for name in self.all.names:
            part = page.part(name)
            if part is None:
                continue
            self.all.shown[name].append([row.version for row in part.rows])
            for row in part.rows:
                number = self.all.number_of.get((name, row.version))
                if row.is_marker:
                    self.marked(name, row.version)
                elif number is not None:
                    self.all.known(self.all.etag_of, number, row.etag)
                if number is not None and (number in self.all.markers) != row.is_marker:
                    self.all.wrong.append(f"{name}: version {number} is listed as {'a' if row.is_marker else 'no'} marker")
            shown = self.all.shown[name][-1]
            self.made.append((name, Listing(part, interval, f"a list of versions {shown}{part.told()}")))
        if extra := {row.key for row in page.rows} - set(self.all.names):
            self.all.wrong.append(f"a list of versions shows {sorted(extra)[:3]}, which nobody wrote")

    def look(self, name):
        """What is there now, and every version of it by its number."""
        super().look(name)
        for _ in range(100):
            begun, ended, answer = self.ask("GET", "", {}, query={"versions": "", "prefix": name})
            if answer is None or answer.status != 200:
                continue
            page = VersionPage(answer.body, ("", None))
            for row in page.rows:
                if row.key == name and not row.is_marker and (name, row.version) not in self.all.number_of:
                    self.learn(name, row.version)
            self.page_seen(page.only(name), (begun, ended))
            self.settled(page, (begun, ended))
            return
        self.all.wrong.append(f"{name}: its versions are not listed")

    def settled(self, page, interval):
        """What the page of a name says while nothing happens: no more than any other, since the order is known."""

    def learn(self, name, version):
        """Finds the number of a version whose write was not answered."""
        for _ in range(100):
            for holder in HOLDERS:
                answer = self.ask("GET", name, self.headers(holder), query={"versionId": version})[2]
                if answer is not None and answer.status == 200:
                    number = int(answer.headers[NUMBER])
                    self.identified(name, number, answer)
                    self.whole(name, number, answer.body)
                    return
        self.all.wrong.append(f"{name}: version {version} opens under no holder")


def versioning(status):
    """The document that enables or suspends versioning."""
    return f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>".encode()
