"""Whether a history of one object could have been made by a register: the whole of S3's strong consistency for a key.

Each operation has an interval by one clock, a guard on the state that it met, and perhaps a state that it left.
The history is linearizable if every operation can be given one moment within its interval so that, in the order of
those moments, every guard holds. An operation without a known outcome has no end: it takes effect at any moment
after its beginning, or never.

The search is exact (Wing and Gong 1993; pruned as Lowe's "just-in-time" search 2017): events are met in the order
of time, and what is kept between two events is the set of all configurations that are still possible: the state,
and which of the unfinished operations have had their moment. What is kept does not grow with the history, so an hour
is checked window by window. Does not: know S3. `histories.py` says which guard an answer means.
"""
import itertools
import math

KEEP = object()  # what an operation that changes nothing leaves
CHANGED = object()  # what it leaves where that depends on the state
FOREVER = math.inf


def anything(_state):
    """The guard of what happens whatever is there. The search knows it by identity."""
    return True


class Operation:
    """One operation: `guard(state)` held at its moment, and it left `leaves`. `told` is for messages only."""

    __slots__ = ("begun", "ended", "guard", "leaves", "told", "spare")

    def __init__(self, begun, ended, guard, leaves, told=""):
        self.begun, self.ended, self.guard, self.leaves, self.told = begun, ended, guard, leaves, told
        # Of a write without an outcome whose value nobody has seen: what all such are that nobody can tell apart. One of
        # them stands for all, as often as it takes; that forgives a little, and keeps the search from counting subsets.
        self.spare = None

    def after(self, state):
        """The state after its moment in `state`."""
        return state if self.leaves is KEEP else self.leaves

    def __repr__(self):
        return f"[{self.begun}, {self.ended}] {self.told}"


class Change(Operation):
    """An operation that leaves `change(state)`: of states that are more than the last value written."""

    __slots__ = ("change",)

    def __init__(self, begun, ended, guard, change, told=""):
        super().__init__(begun, ended, guard, CHANGED, told)
        self.change = change

    def after(self, state):
        return self.change(state)


class NotLinearizable(AssertionError):
    """No order of moments explains the history. `moment`: up to when there was one."""

    moment = FOREVER


class Register:
    """One object's history, window by window. `states`: what may be there at the beginning."""

    def __init__(self, states=(None,)):
        self.possible = {(state, frozenset()) for state in states}
        self.unfinished = {}  # begun, and not ended up to now: a set in the order of beginnings

    def check(self, operations):
        """Goes on by a window. Of earlier windows only operations without an outcome may be unfinished."""
        operations = [operation for operation in operations if operation.leaves is not KEEP or operation.ended != FOREVER]
        events = [(operation.begun, 0, number) for number, operation in enumerate(operations)]
        events += [(operation.ended, 1, number) for number, operation in enumerate(operations) if operation.ended != FOREVER]
        # At one tick of the clock beginnings come first: those operations may have met.
        for _moment, is_end, number in sorted(events):
            operation = operations[number]
            if is_end:
                self._end(operation)
            else:
                self.unfinished[operation] = True
        self._settle()

    def _settle(self):
        """Lets go of operations without an outcome that have had their moment in every configuration."""
        settled = [operation for operation in self.unfinished if all(operation in done for _, done in self.possible)]
        for operation in settled:
            self.forget(operation)

    def forget(self, operation):
        """Lets go of an operation that nothing can depend on any more."""
        del self.unfinished[operation]
        self.possible = {(state, done - {operation}) for state, done in self.possible}

    def _end(self, ending):
        reached = set()
        for state, done in self.possible:
            if ending in done:
                reached.add((state, done - {ending}))
            else:
                self._lead_to(ending, state, done, reached)
        if not reached:
            error = NotLinearizable(self._story(ending))
            error.moment = ending.ended
            raise error
        del self.unfinished[ending]
        self.possible = fewest_guesses(reached)

    def _lead_to(self, ending, state, done, reached):
        """Every configuration in which `ending` has just had its moment, from one in which it has not."""
        seen, ahead = set(), [(state, done, False)]
        while ahead:
            state, done, guessed = ahead.pop()
            # What only looks, and may look now, loses nothing by doing so.
            looks = {other for other in self.unfinished
                     if other.leaves is KEEP and other is not ending and other not in done and other.guard(state)}
            done, guessed = done | looks, guessed and not looks
            if (state, done, guessed) in seen:
                continue
            seen.add((state, done, guessed))
            if ending.guard(state) and not (guessed and ending.guard is anything):
                reached.add((ending.after(state), done))
            tried = set()
            for other in self.unfinished:
                if other is ending or other in done or other.leaves is KEEP or not other.guard(state):
                    continue
                if other.guard is anything and guessed:
                    continue  # the guess before it would have been for nothing
                if other.spare is not None or (other.guard is anything and other.ended == FOREVER):
                    alike = ("spare", other.spare) if other.spare is not None else other.leaves
                    if alike in tried:
                        continue  # it does what one before it does
                    tried.add(alike)
                ahead.append((other.after(state), done if other.spare is not None else done | {other}, other.ended == FOREVER))

    def _story(self, ending):
        near = sorted((other for other in self.unfinished if other is not ending), key=lambda other: other.begun)
        states = sorted({str(state) for state, _ in self.possible})[:8]
        return f"{ending} finds none of its states; possible before: {states}; at the same time: {near[:12]}"


def fewest_guesses(reached):
    """Without those configurations that differ from another only in more operations of unknown outcome that were
    taken to have happened: whatever follows from them follows from the other, too."""
    groups = {}
    for state, done in reached:
        guesses = frozenset(operation for operation in done if operation.ended == FOREVER)
        groups.setdefault((state, done - guesses), set()).add(guesses)
    kept = set()
    for (state, known), guesses in groups.items():
        for some in guesses:
            if not any(fewer < some for fewer in guesses):
                kept.add((state, known | some))
    return kept


def linearizable(operations, states=(None,)):
    """Whether a whole history is."""
    try:
        Register(states).check(operations)
    except NotLinearizable:
        return False
    return True


def by_definition(operations, state=None):
    """The same answer by trying every order of every choice of the unfinished: for histories of a few operations."""
    finished = [operation for operation in operations if operation.ended != FOREVER]
    open_ended = [operation for operation in operations if operation.ended == FOREVER]
    for count in range(len(open_ended) + 1):
        for chosen in itertools.combinations(open_ended, count):
            if any(holds(order, state) for order in itertools.permutations([*finished, *chosen])):
                return True
    return False


def holds(order, state):
    """Whether the operations may have had their moments in this order."""
    latest = -math.inf
    for operation in order:
        latest = max(latest, operation.begun)
        if latest > operation.ended or not operation.guard(state):
            return False
        state = operation.after(state)
    return True
