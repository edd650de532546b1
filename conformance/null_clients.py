"""Clients of a bucket whose versions may be null versions, and what their answers say of these.

The id `null` says nothing of which write it means: its number says that, or its ETag. Does not: judge;
`null_histories.py` does.
"""
from linearizable import FOREVER, KEEP, Change
from upload_races import UploadRaces
from version_clients import DELETE_MARKER, VERSION_ID, VersionClient, versioning
from version_operations import Whole
from writes import HOLDERS, NUMBER, Row

NULL = "null"
STATUSES = ENABLED, SUSPENDED = "Enabled", "Suspended"


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
        status = self.chance.choice(STATUSES)
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
        copied = self.copied_as(number, from_holder)
        away, held, is_marker = (self.null_refused(status, from_holder) for status in (404, 403, 405))
        return (Whole(lambda versions: copied(self.all.null_object_in(versions))),
                {404: Whole(away), 403: Whole(held), 400: Whole(lambda versions: held(versions) or is_marker(versions))})
