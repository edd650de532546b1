"""The judge of histories with versions, judged: by hand-made histories, and by the definition of what is linearizable.

Does not: speak to a server. `planted.py` shows that the whole chain finds faults.
"""
import random

from checks import that
from linearizable import FOREVER, KEEP, NotLinearizable, Operation, by_definition
from version_histories import VersionHistories, Whole

NAME = "c/0"


class Story:
    """A history of one name, told step by step."""

    def __init__(self):
        self.histories, self.operations = VersionHistories([], clients=0, names=1), []

    def put(self, begun, ended, number, guard=lambda _newest: True, is_seen=True):
        """A version is written."""
        self.histories.holder_of[number] = "a"
        return self.pushed(begun, ended, number, guard, is_seen)

    def mark(self, begun, ended, number, is_seen=True):
        """A marker is written."""
        self.histories.markers.add(number)
        return self.pushed(begun, ended, number, lambda _newest: True, is_seen)

    def pushed(self, begun, ended, number, guard, is_seen):
        """Either."""
        if is_seen:
            self.histories.identify(NAME, number, f"v{number}")
        self.operations.append(self.histories.push(NAME, (begun, ended), guard, number, f"write {number}"))
        return self

    def remove(self, begun, ended, number, guard=lambda _state: True):
        """A version is deleted."""
        self.operations.append(self.histories.remove((begun, ended), guard, number, f"delete of {number}"))
        return self

    def list(self, begun, ended, *numbers):
        """All versions are listed, newest first."""
        self.histories.shown[NAME].append([f"v{number}" for number in numbers])
        return self.saw(begun, ended, lambda state: state == numbers, f"a list saw {numbers}")

    def newest(self, begun, ended, number):
        """The newest version is read."""
        return self.saw(begun, ended, lambda state: self.histories.top(state) == number, f"a read saw {number}")

    def has(self, begun, ended, number, is_there=True):
        """A version is read by its id."""
        return self.saw(begun, ended, lambda state: (number in state) == is_there, f"{number} is {'' if is_there else 'not '}there")

    def saw(self, begun, ended, guard, told):
        """A look at all versions."""
        self.operations.append(Operation(begun, ended, self.histories.over_top(Whole(guard)), KEEP, told))
        return self

    def holds(self):
        """Whether the judge accepts it."""
        try:
            self.histories.judge(NAME, self.operations)
        except NotLinearizable:
            return False
        return not self.histories.wrong

    def is_so(self):
        """Whether the definition does. The order that pages show plays no part."""
        self.histories.older[NAME].clear()
        return by_definition(self.operations, ())


def none(newest):
    """Nothing is there, or a marker is the newest."""
    return newest is None


GOOD = {
    "versions in the order of their writes": Story().put(0, 1, 1).put(2, 3, 2).list(4, 5, 2, 1).newest(6, 7, 2).has(6, 7, 1),
    "either order while writes meet": Story().put(0, 5, 1).put(0, 5, 2).list(6, 7, 1, 2),
    "a marker hides": Story().put(0, 1, 1).mark(2, 3, 2).newest(4, 5, None).has(4, 5, 1).list(6, 7, 2, 1),
    "the version below comes up": Story().put(0, 1, 1).put(2, 3, 2).remove(4, 5, 2).newest(6, 7, 1).list(6, 7, 1),
    "a deleted marker shows what it hid": Story().put(0, 1, 1).mark(2, 3, 2).remove(4, 5, 2).newest(6, 7, 1).list(6, 7, 1),
    "a version deleted twice": Story().put(0, 1, 1).remove(2, 3, 1).remove(4, 5, 1).list(6, 7),
    "a write over a marker, if absent": Story().put(0, 1, 1).mark(2, 3, 2).put(4, 5, 3, none).list(6, 7, 3, 2, 1),
    "a lost answer whose version is seen": Story().put(0, FOREVER, 1).put(2, 3, 2).list(4, 5, 1, 2),
    "a lost answer that comes to nothing": Story().put(0, FOREVER, 1, is_seen=False).put(2, 3, 2).list(4, 5, 2),
    "a lost delete of a version": Story().put(0, 1, 1).remove(2, FOREVER, 1).has(3, 4, 1).has(5, 6, 1, False).list(7, 8),
}
BAD = {
    "a stale list": Story().put(0, 1, 1).put(2, 3, 2).list(4, 5, 1),
    "a lost version": Story().put(0, 1, 1).put(2, 3, 2).list(4, 5, 2),
    "a lost version, read by its id": Story().put(0, 1, 1).put(2, 3, 2).has(4, 5, 1, False),
    "the wrong order": Story().put(0, 1, 1).put(2, 3, 2).list(4, 5, 1, 2),
    "an order that changes": Story().put(0, 5, 1).put(0, 5, 2).list(6, 7, 1, 2).list(8, 9, 2, 1),
    "the deleted version as the newest": Story().put(0, 1, 1).put(2, 3, 2).remove(4, 5, 2).newest(6, 7, 2),
    "nothing where a version should come up": Story().put(0, 1, 1).put(2, 3, 2).remove(4, 5, 2).newest(6, 7, None),
    "a marker that hides nothing": Story().put(0, 1, 1).mark(2, 3, 2).newest(4, 5, 1),
    "a deleted version comes back": Story().put(0, 1, 1).remove(2, 3, 1).has(4, 5, 1),
    "a delete that takes another version": Story().put(0, 1, 1).put(2, 3, 2).remove(4, 5, 1).list(6, 7, 1),
    "a delete that takes nothing": Story().put(0, 1, 1).remove(2, 3, 1).list(4, 5, 1),
    "a write if absent over a version": Story().put(0, 1, 1).put(2, 3, 2, none).list(4, 5, 2, 1),
}


def judge_versions(lane):
    """Hand-made histories, and random small ones against the definition."""
    for name, story in GOOD.items():
        with lane.check(f"the judge of versions accepts: {name}"):
            that(story.holds() and story.is_so(), "refused")
    for name, story in BAD.items():
        with lane.check(f"the judge of versions refuses: {name}"):
            that(not story.holds() and not story.is_so(), "accepted")
    with lane.check("the judge of versions agrees with the definition on 1,000 random histories"):
        chance, accepted = random.Random(7), 0
        for number in range(1_000):
            story = some(chance)
            verdict, wanted = story.holds(), story.is_so()
            that(verdict == wanted, f"history {number}: {verdict}, by definition {wanted}: {story.operations}")
            accepted += verdict
        that(200 < accepted < 900, f"{accepted} accepted: they tell nothing")


def some(chance):
    """A random history of a true list of versions, of which half tell one lie; the last look is at everything."""
    story, state, count = Story(), (), chance.randrange(1, 5)
    lie = chance.randrange(2) if chance.random() < 0.5 else None
    moments = sorted(chance.sample(range(40), count + 1))
    writes, removed = [], set()
    for moment in moments[:-1]:
        is_open = chance.random() < 0.2
        interval = moment - chance.randrange(8), FOREVER if is_open else moment + chance.randrange(8)
        if not writes or chance.random() < 0.6:
            happens = not is_open or chance.random() < 0.5
            writes.append((*interval, len(writes) + 1))
            state = (len(writes), *state) if happens else state
        else:
            number = chance.randrange(len(writes)) + 1
            removed.add(number)
            story.remove(*interval, number)
            state = tuple(other for other in state if other != number)
    lists = [twisted(chance, state, lie == place) for place in range(2)]
    seen = removed.union(*lists)
    for begun, ended, number in writes:
        add = story.put if chance.random() < 0.7 else story.mark
        add(begun, ended, number, is_seen=ended != FOREVER or number in seen)
    story.list(moments[-1] - chance.randrange(8), moments[-1] + chance.randrange(8), *lists[0])
    return story.list(100, 101, *lists[1])


def twisted(chance, state, is_lie):
    """The numbers of a state, or with a lie others."""
    if not is_lie:
        return state
    return tuple(chance.sample(state, chance.randrange(len(state) + 1))) or (1,)
