"""CompleteMultipartUpload against itself and against AbortMultipartUpload, while others write the same name.

One of the requests that end an upload does so, and only once. A Complete that comes after a Complete is answered as the
first was, and changes nothing, as long as what the upload made is the newest version (docs/semantics.md); else, and
after an abort, the upload is not there. An abort that is acknowledged leaves nothing behind. So of each upload the state
of its name says whether it has ended. Does not: write other parts meanwhile.
"""
import random
import threading
import time

from linearizable import FOREVER, KEEP, Change, Operation
from version_operations import Push

COMPLETES = (1, 2, 2, 3)  # of one upload at once
ABORT_SHARE = 0.6
STAGGER_SECONDS_MAX = 0.01  # between those that race
UPLOADS_MAX = 6  # of a name, that are completed and aborted again later
CONFLICTS = ((409, "ConditionalRequestConflict"), (409, "OperationAborted"))


class Completion(Push):
    """A Complete: the write itself, or its repetition. All of one upload have its number."""


class UploadRaces:
    """What a client does with uploads that others end, too."""

    def race(self, name):
        """An upload that several end at once."""
        self.work_on(name, self.raced)

    def raced(self, name):
        """The same, where there is room."""
        upload = self.upload(name)
        if upload is None:
            return
        self.all.uploads[name] = [*self.all.uploads[name], upload][-UPLOADS_MAX:]
        count = self.chance.choice(COMPLETES)
        helpers = [self.helper(place) for place in range(count + (self.chance.random() < ABORT_SHARE))]
        steps = [helper.complete_once if place < count else helper.abort for place, helper in enumerate(helpers)]
        threads = [threading.Thread(target=staggered, args=(step, name, upload), daemon=True) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for helper in helpers:
            self.take_in(helper)

    def helper(self, place):
        """A client that does one request at the side of this one; its connections stay."""
        while len(self.helpers) <= place:
            self.helpers.append(self.all.client(random.Random(self.chance.random()), self.place + len(self.helpers) + 1, self.timeout))
        return self.helpers[place]

    def take_in(self, helper):
        """What a helper has seen is this client's."""
        self.made += helper.made
        self.outcomes, self.open = self.outcomes + helper.outcomes, self.open + helper.open
        helper.made, helper.outcomes, helper.open = [], 0, 0

    def complete_again(self, name):
        """A Complete, or an abort, of an upload that others end or have ended, or that was refused."""
        if self.all.uploads[name]:
            step = self.abort if self.chance.random() < 0.2 else self.complete_once
            step(name, self.chance.choice(self.all.uploads[name]))

    def complete_once(self, name, upload):
        """CompleteMultipartUpload, perhaps on a condition."""
        condition, number = self.condition(name), upload.number
        begun, ended, answer = self.ask("POST", name, condition.headers, upload.document, {"uploadId": upload.id})
        told = f"complete {number} under {self.all.holder_of[number]}{condition.told}, in a race"
        if answer is None:
            self.completed(name, (begun, FOREVER), condition.holds, upload, f"{told}, outcome open")
        elif answer.status == 200:
            self.all.known(self.all.etag_of, number, answer.error().get("ETag"))
            self.all.identify(name, number, answer.headers.get("x-amz-version-id"))
            self.all.latest[name] = number
            self.all.acknowledged.append(ended)
            self.completed(name, (begun, ended), condition.holds, upload, told)
        elif (answer.status, answer.code) == (404, "NoSuchUpload"):
            self.not_found(name, (begun, ended), number, f"{told}: no such upload")
        elif guard := condition.meanings(answer).get(answer.status):
            failed = self.all.over_top(guard)
            self.saw(name, (begun, ended), lambda state: number not in state.ended and failed(state), f"{told}: {answer.code}")
        elif (answer.status, answer.code) not in CONFLICTS:
            self.all.wrong.append(f"{name}: {told}: {answer!r}")

    def completed(self, name, interval, guard, upload, told):
        """The write, if nothing has ended the upload before. If a Complete has, this one was answered as that."""
        number, is_open = upload.number, interval[1] == FOREVER
        may = self.all.may_push(name, guard, number)

        def happens(state):
            return not is_open and state.versions[:1] == (number,) if number in state.ended else may(state)

        def leaves(state):
            return state if number in state.ended else ending(number)(self.all.pushed(state, number))
        self.made.append((name, Completion(*interval, happens, leaves, told, number)))

    def not_found(self, name, interval, number, told):
        """The upload has ended, and what it made is not the newest version, if it made anything."""
        self.saw(name, interval, lambda state: number in state.ended and state.versions[:1] != (number,), told)

    def abort(self, name, upload):
        """AbortMultipartUpload."""
        number = upload.number
        begun, ended, answer = self.ask("DELETE", name, {}, query={"uploadId": upload.id})
        told = f"abort of {number}"
        if answer is None or answer.status == 204:
            self.aborted(name, (begun, ended), number, told)
        elif (answer.status, answer.code) == (404, "NoSuchUpload"):
            self.saw(name, (begun, ended), lambda state: number in state.ended, f"{told}: no such upload")
        elif (answer.status, answer.code) not in CONFLICTS:
            self.all.wrong.append(f"{name}: {told}: {answer!r}")

    def aborted(self, name, interval, number, told):
        """Nothing has ended the upload before."""
        self.made.append((name, Change(*interval, lambda state: number not in state.ended, ending(number), told)))

    def saw(self, name, interval, guard, told):
        """A look at the whole state of a name."""
        self.made.append((name, Operation(*interval, guard, KEEP, told)))


def staggered(step, name, upload):
    """One of those that race."""
    time.sleep(random.random() * STAGGER_SECONDS_MAX)
    step(name, upload)


def ending(number):
    """The change that ends an upload."""
    return lambda state: state._replace(ended=state.ended | {number})
