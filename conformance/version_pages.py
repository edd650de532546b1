"""Pages of ListObjectVersions, and what they say of each version of a name.

Each version by itself must have been there, the newest or not, at some moment of the request, and what is missing must
have been away at some moment: S3 promises no snapshot of several. Does not: ask for pages; `version_histories.py` does.
"""
import xml.etree.ElementTree as ElementTree

from linearizable import FOREVER, KEEP, Operation
from version_operations import Push, Whole


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
        self.pushed, self.gone = dict.fromkeys(histories.present(name), -FOREVER), histories.ends(name, operations)
        for operation in operations:
            if isinstance(operation, Push):
                self.pushed[operation.number] = min(operation.begun, self.pushed.get(operation.number, FOREVER))

    def all(self, listings):
        """The operations."""
        return [look for listing in listings for look in [*self.shown(listing), *self.missing(listing)]]

    def look(self, listing, guard, told):
        """One of them."""
        return Operation(listing.begun, listing.ended, self.histories.over_top(Whole(guard)), KEEP, f"{listing.told} {told}")

    def shown(self, listing):
        """Each version was there, as the newest or not."""
        for place, row in enumerate(listing.part.rows):
            if row.is_latest and place:
                self.histories.wrong.append(f"{self.name}: a version below another is the latest in {listing.told}")
            numbers = self.histories.meant(self.name, row, self.pushed)
            told = f"with {' or '.join(map(str, numbers)) or row.version}{' as the latest' if row.is_latest else ''}"
            yield self.look(listing, is_there(numbers, row.is_latest), told)

    def missing(self, listing):
        """Each other one that may have been there was away."""
        part, numbers = listing.part, self.numbers(listing.part.rows)
        shown = {number for row in part.rows for number in self.histories.meant(self.name, row, self.pushed)}
        below = self.histories.number_of.get((self.name, part.below)) if part.below else None
        for number, begun in self.pushed.items():
            if number in shown or begun > listing.ended or self.gone.get(number, FOREVER) < listing.begun:
                continue
            if part.below and number not in self.older.get(below, ()):
                continue
            if part.is_cut and not (numbers and numbers[-1] in self.older.get(number, ())):
                continue
            yield self.look(listing, is_away(number), f"without {number}")

    def numbers(self, rows):
        """The numbers of rows."""
        return self.histories.numbers_of(self.name, [row.version for row in rows])


def is_there(numbers, is_latest):
    """The guard of a version that is shown and is one of these."""
    return lambda versions: any(number in versions and (versions[0] == number) == is_latest for number in numbers)


def is_away(number):
    """The guard of one that is not."""
    return lambda versions: number not in versions
