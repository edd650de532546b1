"""Copies of a version by its id: CopyObject onto another name, or onto its own as a restore, and UploadPartCopy.

A copy is a look at the version that it names, and a write of its target. The bytes of that version are known or become
known, so a copy of any other is found; its condition is about that version's ETag, which never changes. Does not: copy
the newest version, `clients.py` does.
"""
import collections

import keys
from linearizable import KEEP, anything
from raw import Answer
from version_operations import Whole
from writes import HOLDERS, NUMBER, Upload

RESTORE_SHARE, BY_PART_SHARE = 0.4, 0.25
IF_MATCH_SHARE, WRONG_ETAG_SHARE = 0.5, 0.4
SOURCE_VERSION = "x-amz-copy-source-version-id"

# `number` of the version `version` of a name, and which holder and ETag the request says that it has.
Source = collections.namedtuple("Source", "name version number holder etag")


class VersionCopies:
    """What a client does with versions that it copies."""

    def copy_version(self, name):
        """A copy of a version by its id."""
        self.work_on(name, self.copy_some)

    def copy_some(self, name):
        """The same, where there is room."""
        source = self.source(name)
        if source is None:
            return
        headers = {"x-amz-copy-source": f"/{self.all.bucket}/{source.name}?versionId={source.version}"}
        if HOLDERS[source.holder]:
            headers |= keys.source_trio(HOLDERS[source.holder])
        if source.etag:
            headers["x-amz-copy-source-if-match"] = source.etag
        if self.chance.random() < BY_PART_SHARE:
            self.copy_part(name, source, headers)
        else:
            self.copy_whole(name, source, headers)

    def source(self, name):
        """A version of this or another name, mostly with its key and, if any is asked, with its ETag."""
        name = name if self.chance.random() < RESTORE_SHARE else self.chance.choice(self.all.names)
        number = self.some_version(name)
        if number is None:
            return None
        own, etag = self.all.holder_of.get(number), None
        holder = own if own and self.chance.random() < 0.85 else self.chance.choice(list(HOLDERS))
        if self.chance.random() < IF_MATCH_SHARE:
            other = self.all.latest.get(self.chance.choice(self.all.names))
            etag = self.all.etag_of.get(other if self.chance.random() < WRONG_ETAG_SHARE else number)
        return Source(name, self.all.id_of[number], number, holder, etag)

    def copy_whole(self, name, source, headers):
        """CopyObject."""
        number, holder, own = self.new()
        asked = self.ask("PUT", name, headers | own | {"x-amz-metadata-directive": "REPLACE"})
        told = f"copy {number} under {holder} of version {source.number} of {source.name}"
        outcome = self.written(name, number, asked, anything, told)
        if outcome is True:
            self.was_copied(number, source, asked, told)
        elif isinstance(outcome, Answer):
            self.not_copied(source, asked, told)

    def copy_part(self, name, source, headers):
        """UploadPartCopy, as the only part of an upload."""
        number, holder, own = self.new()
        create = self.ask("POST", name, own, query={"uploads": ""})[2]
        if create is None:
            return
        upload, told = create.error().get("UploadId"), f"part of {number} under {holder} copied of version {source.number} of {source.name}"
        own = {header: value for header, value in own.items() if header != NUMBER}
        asked = begun, ended, answer = self.ask("PUT", name, headers | own, query={"partNumber": "1", "uploadId": upload})
        if answer is None:
            return
        if answer.status != 200:
            self.not_copied(source, asked, told)
            return
        self.was_copied(number, source, (begun, ended, answer), told)
        made = Upload(number, upload, [answer.error()["ETag"]])
        asked = self.ask("POST", name, {}, made.document, {"uploadId": upload})
        if isinstance(self.written(name, number, asked, anything, f"complete of the {told}"), Answer):
            self.refused(name, asked, {}, f"complete of the {told}")

    def was_copied(self, number, source, asked, told):
        """The version was there, had this key and ETag, and its bytes are those of the copy."""
        begun, ended, answer = asked
        if self.all.holder_of.get(source.number) != source.holder:
            self.all.wrong.append(f"{told} opened it under {source.holder}: {answer!r}")
        if source.etag and self.all.etag_of.get(source.number) != source.etag:
            self.all.wrong.append(f"{told} if {source.etag}, which it is not: {answer!r}")
        if answer.headers.get(SOURCE_VERSION) != source.version:
            self.all.wrong.append(f"{told}: {answer.headers.get(SOURCE_VERSION)} was copied, not {source.version}")
        if source.number in self.all.content_of:
            self.all.known(self.all.content_of, number, self.all.content_of[source.number])
        self.note(source.name, begun, ended, Whole(lambda versions: source.number in versions), KEEP, f"{told} succeeded")

    def not_copied(self, source, asked, told):
        """What a refusal says of the version."""
        begun, ended, answer = asked
        own, is_marker = self.all.holder_of.get(source.number), source.number in self.all.markers
        if answer.status == 412:
            is_right = source.etag and not is_marker and self.all.etag_of.get(source.number) != source.etag
        elif answer.status in (400, 403):
            is_right = is_marker or own != source.holder
        else:
            is_right = answer.status == 404 and answer.code == "NoSuchVersion"
        if not is_right:
            self.all.wrong.append(f"{told} under {source.holder} if {source.etag}: {answer!r}")
        is_there = answer.status != 404
        self.note(source.name, begun, ended, Whole(lambda versions: (source.number in versions) == is_there), KEEP,
                  f"{told} answered {answer.status}")
