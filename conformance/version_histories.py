"""The same histories in a bucket with versions: what is under a name is the list of its versions, newest first.

A write adds a version, a delete adds a marker, a delete of a version takes it away, and whatever asks for no version sees
the newest. Every version and marker has a number; its id is learned from the answer that made it, and stands for it in
all later answers. Of a page of ListObjectVersions each version by itself must have been there, the newest or not, at some
moment of the request, and what is missing must have been away at some moment: S3 promises no snapshot of several. Their
order never changes, so what any page shows of it holds for the writes before, too; this keeps the search small.

Nobody deletes a version that has not been seen with its number, and at the end of each window all ids are looked up. So
a write whose answer was lost and that is not seen then has not happened yet. Markers carry no number: those
that no answer told are taken for one of the deletes whose answers were lost. Does not: suspend versioning.
"""
import re

from histories import Histories
from linearizable import FOREVER, NotLinearizable, Register
from raw import UNSIGNED
from version_clients import VersionClient, versioning
from version_operations import Push, Removal, Whole
from version_pages import Listing, Looks

WEIGHTS = {"put": 16, "put_if_absent": 6, "put_if_match": 6, "copy": 8, "complete": 4, "delete": 8, "delete_if_match": 3,
           "delete_version": 14, "copy_version": 8, "delete_many": 6, "get": 12, "head": 5, "get_version": 12, "list_names": 4, "list_versions": 10}
TOLD_MAX = 12  # operations in a message


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
            is_below = any(number in older.get(other, ()) for other in self.versions(state))
            return self.fits(state, number) and over_top(state) and not is_below
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
        operations += self.lost_markers(name, operations)
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

    def lost_markers(self, name, operations):
        """The writes of markers that nobody got as an answer. Which of the deletes whose answers were lost made which nobody
        knows, so each is taken for one that was asked as early as any may have been, and on no condition."""
        ids = [version for version in self.unknown[name] if (name, version) not in self.number_of]
        last = self.shown[name][-1] if self.shown[name] else []
        ids.sort(key=lambda version: -last.index(version) if version in last else 0)
        lost = sorted((operation for operation in operations if self.is_unseen(operation) and operation.number in self.markers),
                      key=lambda operation: operation.begun)
        self.unknown[name] = {}
        return [self.lost_marker(name, version, operation) for version, operation in zip(ids, lost)]

    def lost_marker(self, name, version, operation):
        """One of them."""
        number = next(self.numbers)
        self.markers.add(number)
        self.identify(name, number, version)
        return self.push(name, (operation.begun, FOREVER), Whole(lambda _versions: True), number, f"{operation.told}, or another: {number}")

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
