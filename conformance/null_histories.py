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

from histories import Histories
from linearizable import FOREVER, Change, Register
from null_clients import ENABLED, NULL, NullClient
from upload_races import Completion
from version_histories import VersionHistories
from version_operations import Push

COMMON = {"put": 16, "put_if_absent": 6, "put_if_match": 6, "copy": 6, "complete": 3, "race": 8, "complete_again": 5, "delete": 7,
          "delete_if_match": 4, "delete_many": 5, "delete_null": 5, "get": 12, "head": 7, "get_null": 9, "list_names": 4,
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
        if self.is_versioned:
            super().make_bucket()
        else:
            Histories.make_bucket(self)

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
