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
import xml.etree.ElementTree as ElementTree

from histories import HOLDERS, NUMBER, Client, Histories, Row, absent
from linearizable import FOREVER, KEEP, Change, NotLinearizable, Operation, Register
from raw import UNSIGNED

WEIGHTS = {"put": 16, "put_if_absent": 6, "put_if_match": 6, "copy": 8, "complete": 4, "delete": 8, "delete_version": 14,
           "delete_many": 6, "get": 12, "head": 5, "get_version": 12, "list_names": 4, "list_versions": 10}
VERSIONS_MAX = 6  # of a name, by and large: the states that are possible at once grow with it
GONE_MAX = 8
TOLD_MAX = 12  # operations in a message
VERSION_ID, DELETE_MARKER = "x-amz-version-id", "x-amz-delete-marker"
NO_VERSION = "of-nothing"


class Whole:
    """A guard of all versions of a name, not only of the newest."""

    def __init__(self, guard):
        self.guard = guard


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
        document = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        for raw in self.clients[0].raws:
            answer = raw.request("PUT", f"/{self.bucket}", body=document, query={"versioning": ""}, payload=UNSIGNED)
            assert answer.status == 200, answer

    def top(self, state):
        """The number of the newest version, or nothing under a marker."""
        return None if not state or state[0] in self.markers else state[0]

    def over_top(self, guard):
        """A guard of what is under a name, as one of its versions."""
        return guard.guard if isinstance(guard, Whole) else lambda state: guard(self.top(state))

    def push(self, name, interval, guard, number, told):
        """A write of a version."""
        over_top, older = self.over_top(guard), self.older[name]

        def may(state):
            return over_top(state) and not any(number in older.get(other, ()) for other in state)
        return Push(*interval, may, lambda state: (number, *state), told, number)

    def remove(self, interval, guard, number, told):
        """A delete of a version."""
        return Removal(*interval, guard, lambda state: tuple(other for other in state if other != number), told, number)

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
        seen = [operation for operation in operations if not self.is_unseen(operation)]
        try:
            register.check(seen)
        except NotLinearizable as error:
            raise NotLinearizable(f"{error}; {self.story(name, seen, error)}") from error
        present = {number for state, _ in register.possible for number in state}
        for operation in list(register.unfinished):
            if isinstance(operation, Removal) and operation.number not in present:
                register.forget(operation)  # numbers never come back
        self.older[name] = {number: below & present for number, below in self.older[name].items() if number in present}

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


class Push(Change):
    """A write that adds the version `number`."""

    __slots__ = ("number",)

    def __init__(self, begun, ended, guard, change, told, number):
        super().__init__(begun, ended, guard, change, told)
        self.number = number


class Removal(Push):
    """A delete that takes it away."""


class VersionClient(Client):
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
        if row.version is None or (row.name, row.version) in self.all.number_of:
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
            return
        self.all.wrong.append(f"{name}: its versions are not listed")

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


class ListedVersion:
    """A row of ListObjectVersions."""

    def __init__(self, element):
        fields = {field.tag.rpartition("}")[2]: field.text or "" for field in element}
        self.is_marker = element.tag.rpartition("}")[2] == "DeleteMarker"
        self.key, self.version, self.etag = fields["Key"], fields["VersionId"], fields.get("ETag")
        self.is_latest = fields["IsLatest"] == "true"


class VersionPage:
    """A page: its rows, where it began and where the next one does."""

    def __init__(self, body, marker):
        tree = ElementTree.fromstring(body)
        self.rows = [ListedVersion(child) for child in tree if child.tag.rpartition("}")[2] in ("Version", "DeleteMarker")]
        text = {child.tag.rpartition("}")[2]: child.text or "" for child in tree}
        self.marker = marker
        self.next = (text["NextKeyMarker"], text["NextVersionIdMarker"]) if text["IsTruncated"] == "true" else None
        self.names = None

    def only(self, name):
        """The same as the page of one name, which its prefix may have been more than."""
        self.rows, self.names = [row for row in self.rows if row.key == name], {name}
        return self

    def part(self, name):
        """What it says of a name; `None` if that is nothing."""
        key, version = self.marker
        if (self.names and name not in self.names) or name < key or (self.next and name > self.next[0]):
            return None
        rows = [row for row in self.rows if row.key == name]
        return Part(name, rows, version if name == key else None, bool(self.next) and name == self.next[0])


class Part:
    """The versions of one name on a page: all, those below one, or only the first of these."""

    def __init__(self, name, rows, below, is_cut):
        self.name, self.rows, self.below, self.is_cut = name, rows, below, is_cut

    def told(self):
        """For messages."""
        return (f" below {self.below}" if self.below else "") + (", and more" if self.is_cut else "")


class Listing:
    """A part of a page, before it is known which numbers its ids have."""

    def __init__(self, part, interval, told):
        self.part, (self.begun, self.ended), self.told = part, interval, told


class Looks:
    """What the parts of pages mean for each version of a name; all operations of the window are known."""

    def __init__(self, histories, name, operations):
        self.histories, self.name, self.older = histories, name, histories.older[name]
        before = {number for state, _ in histories.registers[name].possible for number in state}
        self.pushed, self.gone = dict.fromkeys(before, -FOREVER), {}
        for operation in operations:
            if isinstance(operation, Removal):
                self.gone[operation.number] = min(operation.ended, self.gone.get(operation.number, FOREVER))
            elif isinstance(operation, Push):
                self.pushed[operation.number] = operation.begun

    def all(self, listings):
        """The operations."""
        return [look for listing in listings for look in [*self.shown(listing), *self.missing(listing)]]

    def look(self, listing, guard, told):
        """One of them."""
        return Operation(listing.begun, listing.ended, guard, KEEP, f"{listing.told} {told}")

    def shown(self, listing):
        """Each version was there, as the newest or not."""
        rows = listing.part.rows
        for place, (row, number) in enumerate(zip(rows, self.numbers(rows))):
            if row.is_latest and place:
                self.histories.wrong.append(f"{self.name}: a version below another is the latest in {listing.told}")
            yield self.look(listing, is_there(number, row.is_latest), f"with {number}{' as the latest' if row.is_latest else ''}")

    def missing(self, listing):
        """Each other one that may have been there was away."""
        part, numbers = listing.part, self.numbers(listing.part.rows)
        below = self.histories.number_of.get((self.name, part.below)) if part.below else None
        for number, begun in self.pushed.items():
            if number in numbers or begun > listing.ended or self.gone.get(number, FOREVER) < listing.begun:
                continue
            if part.below and number not in self.older.get(below, ()):
                continue
            if part.is_cut and not (numbers and numbers[-1] in self.older.get(number, ())):
                continue
            yield self.look(listing, is_away(number), f"without {number}")

    def numbers(self, rows):
        """The numbers of rows."""
        return self.histories.numbers_of(self.name, [row.version for row in rows])


def is_there(number, is_latest):
    """The guard of a version that is shown."""
    return lambda state: number in state and (state[0] == number) == is_latest


def is_away(number):
    """The guard of one that is not."""
    return lambda state: number not in state
