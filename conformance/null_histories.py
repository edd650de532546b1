"""The same histories in a bucket whose versioning is enabled and suspended again and again, or was never enabled.

What is under a name is then more than its versions: `State` has the bucket's status beside them, since every write is
another one under it, and which uploads have ended. While versioning is suspended, a write has no id: it takes the place
of the null version, whichever and wherever that was, and leaves the others; a delete puts a null marker in its place. In
a bucket that never had versions all are null, and a delete leaves nothing. A switch is an operation on every name, so
each answer must be one that some status of its time explains; that two names were switched at one moment is not asked.

The id `null` says nothing of which write it means: its number says that, or its ETag. An open write that nobody has
seen may have been the null version and be gone; under enabled versioning it would still be there. Does not: let uploads
race, `upload_races.py` does.
"""
import collections

from histories import HOLDERS, NUMBER, Histories, Row
from linearizable import FOREVER, KEEP, Change, Register
from upload_races import Completion, UploadRaces
from version_histories import DELETE_MARKER, VERSION_ID, VersionClient, VersionHistories, versioning
from version_operations import Push, Whole

NULL = "null"
ENABLED, SUSPENDED = "Enabled", "Suspended"
COMMON = {"put": 16, "put_if_absent": 6, "put_if_match": 6, "copy": 6, "complete": 3, "race": 8, "complete_again": 5, "delete": 7,
          "delete_if_match": 4, "delete_many": 5, "delete_null": 5, "get": 12, "head": 4, "get_null": 9, "list_names": 4,
          "list_versions": 8}
SWITCHED = COMMON | {"switch": 4, "delete_version": 10, "get_version": 8, "copy_version": 6, "copy_null": 4}

State = collections.namedtuple("State", "status versions ended")


class NullHistories(VersionHistories):
    """What is known of all names, versions and null versions. `is_versioned`: its versioning is switched."""

    def __init__(self, endpoints, clients=6, names=5, weights=None, seed=0, timeout=120, is_versioned=True):
        super().__init__(endpoints, clients, names, weights or (SWITCHED if is_versioned else COMMON), f"null {seed}", timeout)
        self.is_versioned = is_versioned
        first = State(ENABLED if is_versioned else None, (), frozenset())
        self.registers = {name: Register(states=(first,)) for name in self.names}
        self.entered = set()  # open writes that nobody has seen, and that the registers have
        self.uploads = {name: [] for name in self.names}  # of this window, that may have ended

    def client(self, chance, place, timeout):
        return NullClient(self, chance, place, timeout)

    def make_bucket(self):
        Histories.make_bucket(self) if not self.is_versioned else super().make_bucket()

    def is_null(self, number):
        """Whether a write has no id; or none that anybody has seen."""
        return self.id_of.get(number, NULL) == NULL

    def null_in(self, versions):
        """The number of the null version."""
        return next((number for number in versions if self.is_null(number)), None)

    def null_object_in(self, versions):
        """The same, if that is no marker."""
        number = self.null_in(versions)
        return None if number in self.markers else number

    def identify(self, name, number, version):
        if version and version != NULL:
            super().identify(name, number, version)
        elif self.id_of.setdefault(number, NULL) != NULL:
            self.wrong.append(f"{name}: write {number} is version {self.id_of[number]} and now the null version")

    # States

    def versions(self, state):
        return state.versions

    def with_versions(self, state, versions):
        return state._replace(versions=versions)

    def fits(self, state, number):
        return (state.status == ENABLED) != self.is_null(number)

    def above(self, versions, number):
        if not self.is_null(number):
            return super().above(versions, number)
        return (number, *(other for other in versions if not self.is_null(other)))

    def remove_null(self, interval, guard, told):
        """A delete of the null version, or of nothing."""
        def removed(state):
            return state._replace(versions=tuple(number for number in state.versions if not self.is_null(number)))
        return Change(*interval, self.over_top(guard), removed, told)

    # The judge

    def meant(self, name, row, numbers):
        if row.version != NULL:
            return super().meant(name, row, numbers)
        return [number for number in numbers if self.is_null(number) and self.is_like(row, number)]

    def is_like(self, row, number):
        """Whether a row may be of this null version. An ETag that was not answered is none that another write has,
        unless it is a digest."""
        if row.is_marker or number in self.markers:
            return row.is_marker and number in self.markers
        if number in self.etag_of:
            return self.etag_of[number] == row.etag
        return row.etag not in self.etags or self.holder_of[number] == "server"

    def ends(self, name, operations):
        """Also of null versions that another has surely replaced."""
        ends, last = super().ends(name, operations), dict.fromkeys(self.present(name), -FOREVER)
        for operation in operations:
            if isinstance(operation, Push):
                last[operation.number] = max(operation.ended, last.get(operation.number, -FOREVER))
        sure = [operation for operation in operations if isinstance(operation, Push) and not isinstance(operation, Completion)
                and operation.ended != FOREVER and self.is_null(operation.number)]
        for number, ended in last.items():
            if self.is_null(number):
                after = (operation.ended for operation in sure if operation.begun > ended)
                ends[number] = min(after, default=ends.get(number, FOREVER))
        return ends

    def order(self, name):
        """The place of the null version is anybody's."""
        self.shown[name] = [[version for version in ids if version != NULL] for ids in self.shown[name]]
        super().order(name)

    def to_check(self, operations):
        """All, once: an open write that nobody has seen may have been the null version."""
        found = [operation for operation in operations if operation not in self.entered]
        self.entered.update(operation for operation in found if self.is_unseen(operation))
        return found

    def judge(self, name, operations):
        super().judge(name, operations)
        self.uploads[name] = []
        register = self.registers[name]
        under_way = {operation.number for operation in register.unfinished if isinstance(operation, Completion)}
        register.possible = {(state._replace(ended=state.ended & under_way), done) for state, done in register.possible}


class NullClient(UploadRaces, VersionClient):
    """One client of such a bucket."""

    def __init__(self, histories, chance, place, timeout):
        super().__init__(histories, chance, place, timeout)
        self.place, self.timeout, self.helpers = place, timeout, []

    # What an answer means

    def left(self, name, interval, guard, number, told, version=None):
        if number is None and not self.all.is_versioned:
            self.made.append((name, self.all.remove_null(interval, guard, told)))
        else:
            super().left(name, interval, guard, number, told, version)

    def missing(self, name, answer):
        if answer.headers.get(VERSION_ID) != NULL:
            return super().missing(name, answer)
        return Whole(lambda versions: versions != () and self.all.is_null(versions[0]) and versions[0] in self.all.markers)

    def marked(self, name, version):
        if version != NULL:
            super().marked(name, version)

    def learn(self, name, version):
        if version != NULL:
            super().learn(name, version)
            return
        for holder in HOLDERS:
            self.get_null(name, holder)

    def settled(self, page, interval):
        """Nothing happens, so the page is the whole state: here the place of the null version is seen."""
        name, rows = next(iter(page.names)), page.rows
        if any(client.open for client in self.all.clients):
            return

        def guard(versions):
            return len(versions) == len(rows) and all(number in self.all.meant(name, row, [number]) for number, row in zip(versions, rows))
        self.note(name, *interval, Whole(guard), KEEP, f"at last a list saw {[(row.version, row.etag) for row in rows]}")

    # Writes

    def switch(self, _name):
        """PutBucketVersioning."""
        status = self.chance.choice((ENABLED, SUSPENDED))
        begun, ended, answer = self.ask("PUT", "", {}, versioning(status), {"versioning": ""})
        if answer is not None and answer.status != 200:
            if answer.code != "OperationAborted":
                self.all.wrong.append(f"a switch to {status}: {answer!r}")
            return
        for name in self.all.names:
            self.made.append((name, Change(begun, ended, lambda _state: True, lambda state: state._replace(status=status),
                                           f"versioning {status}")))

    def rows(self):
        rows, is_quiet = super().rows()
        named = {row.name for row in rows}
        rows += [Row(name, version=NULL) for name in self.all.names if name not in named and self.chance.random() < 0.2]
        return rows, is_quiet

    def deleted(self, row, interval, outcome):
        if row.version == NULL:
            was_marker = outcome.get("DeleteMarker") == "true" if outcome else None
            self.null_removed(row.name, interval, was_marker, "delete among many of the null version")
        else:
            super().deleted(row, interval, outcome)

    def delete_null(self, name):
        """DeleteObject of the null version."""
        begun, ended, answer = self.ask("DELETE", name, {}, query={"versionId": NULL})
        if answer is None:
            self.null_removed(name, (begun, FOREVER), None, "delete of the null version, outcome open")
        elif answer.status == 204:
            self.null_removed(name, (begun, ended), answer.headers.get(DELETE_MARKER) == "true", "delete of the null version")
        elif (answer.status, answer.code) not in ((409, "ConditionalRequestConflict"), (409, "OperationAborted")):
            self.all.wrong.append(f"a delete of the null version of {name}: {answer!r}")

    def null_removed(self, name, interval, was_marker, told):
        """The null version is gone. `was_marker`: whether the answer says that it was a marker, or nothing of it."""
        def guard(versions):
            return was_marker is None or (self.all.null_in(versions) in self.all.markers) == was_marker
        self.made.append((name, self.all.remove_null(interval, Whole(guard), f"{told}, {'a' if was_marker else 'no'} marker")))

    # Reads

    def get_null(self, name, holder=None):
        """GetObject or HeadObject of the null version."""
        holder, method = holder or self.guess(name), self.chance.choice(("GET", "HEAD"))
        begun, ended, answer = self.ask(method, name, self.headers(holder), query={"versionId": NULL})
        if answer is None:
            return
        told = f"a {method} of the null version under {holder} answered {answer.status}"
        if answer.status == 200:
            number = int(answer.headers[NUMBER])
            self.identified(name, number, answer)
            if method == "GET":
                self.whole(name, number, answer.body)
            if self.all.holder_of[number] != holder:
                self.all.wrong.append(f"{name}: {told}, with {number}")
            told, guard = f"{told}, with {number}", lambda versions: number in versions
        else:
            guard = self.null_refused(answer.status, holder)
        if guard is None:
            self.all.wrong.append(f"{name}: {told}, {answer!r}")
            return
        self.note(name, begun, ended, Whole(guard), KEEP, told)

    def null_refused(self, status, holder):
        """What the refusal of a read says of the versions; `None` if there is no such refusal."""
        def held(versions):
            number = self.all.null_object_in(versions)
            return number is not None and self.all.holder_of[number] != holder
        return {404: lambda versions: self.all.null_in(versions) is None, 400: held, 403: held,
                405: lambda versions: self.all.null_in(versions) in self.all.markers}.get(status)

    def copy_null(self, name):
        """CopyObject of the null version, onto another name or its own."""
        self.work_on(name, lambda name: self.copy_of(name, f"?versionId={NULL}", self.null_copied))

    def null_copied(self, number, from_holder):
        """The guards of a copy that was made, and of each refusal."""
        copied, refused = self.copied_as(number, from_holder), {status: self.null_refused(status, from_holder) for status in (404, 403, 405)}
        return (Whole(lambda versions: copied(self.all.null_object_in(versions))),
                {404: Whole(refused[404]), 403: Whole(refused[403]), 400: Whole(lambda versions: refused[403](versions) or refused[405](versions))})
