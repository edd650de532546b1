"""Clients of a bucket with versions, and what their answers say of them.

A version's id is learned from the answer that made it, and stands for its number in all later answers. At the end of each
window all ids are looked up. Does not: judge; `version_histories.py` does.
"""
from clients import Client
from linearizable import FOREVER, KEEP, Operation
from version_copies import VersionCopies
from version_operations import Whole
from version_pages import Listing, VersionPage
from writes import HOLDERS, NUMBER, Row

VERSIONS_MAX = 6  # of a name, by and large: the states that are possible at once grow with it
GONE_MAX = 8
VERSION_ID, DELETE_MARKER = "x-amz-version-id", "x-amz-delete-marker"
NO_VERSION = "of-nothing"


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
