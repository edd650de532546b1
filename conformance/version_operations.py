"""What happens to the versions of a name, as operations of a history."""
from linearizable import Change


class Whole:
    """A guard of all versions of a name, not only of the newest."""

    def __init__(self, guard):
        self.guard = guard


class Push(Change):
    """A write that adds the version `number`."""

    __slots__ = ("number",)

    def __init__(self, begun, ended, guard, change, told, number):
        super().__init__(begun, ended, guard, change, told)
        self.number = number


class Removal(Change):
    """A delete that takes the version `number` away."""

    __slots__ = ("number",)

    def __init__(self, begun, ended, guard, change, told, number):
        super().__init__(begun, ended, guard, change, told)
        self.number = number
