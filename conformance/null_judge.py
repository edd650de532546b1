"""The judge of null versions, switches and uploads, judged as `version_judge.py` judges that of versions.

Does not: speak to a server. `planted_requests.py` shows that the whole chain finds faults.
"""
import random

from checks import that
from linearizable import FOREVER, Change, by_definition
from null_clients import ENABLED, NULL, SUSPENDED, NullClient
from null_histories import NullHistories, State
from version_judge import NAME, Story, twisted
from version_operations import Whole
from writes import Upload


class NullStory(Story):
    """A history of one name in a bucket whose versioning may be suspended. Its writes have ids but for `null_…`."""

    def __init__(self, status=SUSPENDED):
        super().__init__()
        self.histories = NullHistories([], clients=0, names=1, is_versioned=status is not None)
        self.first = State(status, (), frozenset())
        self.histories.registers[NAME].possible = {(self.first, frozenset())}
        self.client = NullClient(self.histories, random.Random(0), 0, 0)

    def null_put(self, begun, ended, number, guard=lambda _newest: True, is_seen=True):
        """A write while versioning is suspended."""
        self.histories.holder_of[number] = "a"
        return self.null_pushed(begun, ended, number, guard, is_seen)

    def null_mark(self, begun, ended, number):
        """A delete while it is."""
        self.histories.markers.add(number)
        return self.null_pushed(begun, ended, number, lambda _newest: True, True)

    def null_pushed(self, begun, ended, number, guard, is_seen):
        """Either."""
        if is_seen:
            self.histories.identify(NAME, number, NULL)
        self.operations.append(self.histories.push(NAME, (begun, ended), guard, number, f"null write {number}"))
        return self

    def null_remove(self, begun, ended):
        """The null version is deleted by its id, or the name in a bucket without versions."""
        self.operations.append(self.histories.remove_null((begun, ended), Whole(lambda _versions: True), "delete of the null version"))
        return self

    def switch(self, begun, ended, status):
        """Versioning is enabled or suspended."""
        self.operations.append(Change(begun, ended, lambda _state: True, lambda state: state._replace(status=status), status))
        return self

    def complete(self, begun, ended, number, guard=lambda _newest: True, version=NULL):
        """A Complete that succeeded, one of several of its upload."""
        self.histories.holder_of[number] = "a"
        self.histories.identify(NAME, number, version)
        self.client.completed(NAME, (begun, ended), guard, Upload(number, "", []), f"complete {number}")
        return self.taken()

    def gone(self, begun, ended, number):
        """A Complete that found no such upload."""
        self.client.not_found(NAME, (begun, ended), number, f"{number} is gone")
        return self.taken()

    def abort(self, begun, ended, number):
        """An abort that succeeded."""
        self.client.aborted(NAME, (begun, ended), number, f"abort of {number}")
        return self.taken()

    def taken(self):
        """Takes in what the client notes."""
        self.operations += [operation for _name, operation in self.client.made]
        self.client.made = []
        return self

    def list(self, begun, ended, *numbers):
        """All versions are listed; the null version may be anywhere."""
        return self.saw(begun, ended, lambda versions: versions == numbers, f"a list saw {numbers}")

    def is_so(self):
        return by_definition(self.operations, self.first)


def none(newest):
    """Nothing is there, or a marker is the newest."""
    return newest is None


GOOD = {
    "a null version in the place of the last": NullStory().null_put(0, 1, 1).null_put(2, 3, 2).list(4, 5, 2),
    "it leaves older versions": NullStory(ENABLED).put(0, 1, 1).switch(2, 3, SUSPENDED).null_put(4, 5, 2).null_put(6, 7, 3).list(8, 9, 3, 1),
    "a null version below, replaced at the top": (
        NullStory().null_put(0, 1, 1).switch(2, 3, ENABLED).put(4, 5, 2).switch(6, 7, SUSPENDED).null_put(8, 9, 3).list(10, 11, 3, 2)),
    "a null marker in its place": NullStory().null_put(0, 1, 1).null_mark(2, 3, 2).newest(4, 5, None).list(6, 7, 2),
    "a version comes up under a deleted null version": (
        NullStory(ENABLED).put(0, 1, 1).switch(2, 3, SUSPENDED).null_put(4, 5, 2).null_remove(6, 7).newest(8, 9, 1)),
    "either status during a switch": NullStory(ENABLED).switch(0, 9, SUSPENDED).put(1, 2, 1).null_put(3, 4, 2).list(10, 11, 2, 1),
    "an open null version that another replaced": (
        NullStory().null_put(0, 1, 1).null_put(2, FOREVER, 2, is_seen=False).has(3, 4, 1, False).null_put(5, 6, 3).list(7, 8, 3)),
    "a write if absent over a null marker": NullStory().null_put(0, 1, 1).null_mark(2, 3, 2).null_put(4, 5, 3, none).list(6, 7, 3),
    "without versions": NullStory(None).null_put(0, 1, 1).null_put(2, 3, 2).list(4, 5, 2).null_remove(6, 7).list(8, 9),
    "two completions, one version": NullStory(ENABLED).complete(0, 5, 1, version="v1").complete(0, 5, 1, version="v1").list(6, 7, 1),
    "a completion repeated, then replaced": NullStory().complete(0, 1, 1).complete(2, 3, 1).null_put(4, 5, 2).gone(6, 7, 1).list(8, 9, 2),
    "a completion on a condition, repeated": NullStory().complete(0, 1, 1, none).complete(2, 3, 1, none).list(4, 5, 1),
    "an abort that comes first": NullStory().abort(0, 5, 1).gone(1, 2, 1).list(6, 7),
}
BAD = {
    "a null version that stays": NullStory().null_put(0, 1, 1).null_put(2, 3, 2).list(4, 5, 2, 1),
    "a null version that takes an older one away": NullStory(ENABLED).put(0, 1, 1).switch(2, 3, SUSPENDED).null_put(4, 5, 2).list(6, 7, 2),
    "a null version that stays in its old place": (
        NullStory().null_put(0, 1, 1).switch(2, 3, ENABLED).put(4, 5, 2).switch(6, 7, SUSPENDED).null_put(8, 9, 3).list(10, 11, 2, 3)),
    "a version after the suspension": NullStory(ENABLED).switch(0, 1, SUSPENDED).put(2, 3, 1),
    "a null version after it was enabled": NullStory().switch(0, 1, ENABLED).null_put(2, 3, 1),
    "a switch that comes and goes": NullStory(ENABLED).switch(0, 9, SUSPENDED).null_put(1, 2, 1).put(3, 4, 2),
    "a null marker that hides nothing": NullStory().null_put(0, 1, 1).null_mark(2, 3, 2).newest(4, 5, 1),
    "a deleted null version comes back": NullStory().null_put(0, 1, 1).null_remove(2, 3).has(4, 5, 1),
    "a delete that takes another version": (
        NullStory(ENABLED).put(0, 1, 1).switch(2, 3, SUSPENDED).null_put(4, 5, 2).null_remove(6, 7).list(8, 9)),
    "an open version that vanished while versions were kept": (
        NullStory(ENABLED).put(0, FOREVER, 1, is_seen=False).newest(1, 2, 1).list(3, 4)),
    "without versions, two": NullStory(None).null_put(0, 1, 1).null_put(2, 3, 2).list(4, 5, 2, 1),
    "a repeated completion over another write": NullStory().complete(0, 1, 1).null_put(2, 3, 2).complete(4, 5, 1),
    "a repeated completion that writes again": (
        NullStory().complete(0, 1, 1).null_put(2, 3, 2).complete(4, 5, 1).list(6, 7, 1)),
    "an abort and a completion": NullStory().abort(0, 5, 1).complete(0, 5, 1),
    "gone while it is there": NullStory().complete(0, 1, 1).gone(2, 3, 1),
    "gone before anything ended it": NullStory().gone(0, 1, 1).complete(2, 3, 1),
}


def judge_nulls(lane):
    """Hand-made histories, and random small ones against the definition."""
    for name, story in GOOD.items():
        with lane.check(f"the judge of null versions accepts: {name}"):
            that(story.holds() and story.is_so(), "refused")
    for name, story in BAD.items():
        with lane.check(f"the judge of null versions refuses: {name}"):
            that(not story.holds() and not story.is_so(), "accepted")
    with lane.check("the judge of null versions agrees with the definition on 500 random histories"):
        chance, accepted = random.Random(8), 0
        for number in range(500):
            story = some(chance)
            verdict, wanted = story.holds(), story.is_so()
            that(verdict == wanted, f"history {number}: {verdict}, by definition {wanted}: {story.operations}")
            accepted += verdict
        that(100 < accepted < 450, f"{accepted} accepted: they tell nothing")


def some(chance):
    """A random history of true states, of which half tell one lie; the last look is at everything."""
    story, count = NullStory(), chance.randrange(1, 5)
    state = story.first
    lie = chance.randrange(2) if chance.random() < 0.5 else None
    moments = sorted(chance.sample(range(40), count + 1))
    for number, moment in enumerate(moments[:-1], 1):
        interval = moment - chance.randrange(8), moment + chance.randrange(8)
        kind = chance.choice(("write", "write", "mark", "switch", "remove"))
        if kind == "switch":
            status = chance.choice((ENABLED, SUSPENDED))
            story.switch(*interval, status)
        elif kind == "remove":
            story.null_remove(*interval)
        elif state.status == ENABLED:
            (story.put if kind == "write" else story.mark)(*interval, number)
        else:
            (story.null_put if kind == "write" else story.null_mark)(*interval, number)
        state = story.operations[-1].after(state)
    lists = [twisted(chance, state.versions, lie == place) for place in range(2)]
    story.list(moments[-1] - chance.randrange(8), moments[-1] + chance.randrange(8), *lists[0])
    return story.list(100, 101, *lists[1])
