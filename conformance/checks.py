"""How a lane reports: one line a check, one count line at the end, an exit code.

A check that `docs/expected-failures.md` names may fail; when it passes it must leave that list.
"""
import argparse
import contextlib
import pathlib
import re
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Skip(Exception):
    """Raised inside a check that this machine cannot run."""


class Lane:
    """Collects the outcome of the checks of one lane."""

    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, 0, 0, 0
        self.expected = expected_failures(name)

    @contextlib.contextmanager
    def check(self, name):
        """Runs the body as one check; any exception is its failure and the lane goes on."""
        try:
            yield
        except Skip as reason:
            self.skip(name, reason)
        except Exception as error:  # noqa: BLE001 - whatever a client raises is a failure of the check
            self._fail(name, error)
        else:
            self._pass(name)

    def skip(self, name, reason):
        """Counts a check, or a whole lane, that cannot run here."""
        self.skipped += 1
        print(f"skipped: {reason} [{name}]")

    def close(self):
        """Prints the count line; the exit code."""
        print(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0

    def _pass(self, name):
        if name in self.expected:
            self.failed += 1
            print(f"FAIL {name}: passes now; take it off docs/expected-failures.md")
        else:
            self.passed += 1
            print(f"ok {name}")

    def _fail(self, name, error):
        if name in self.expected:
            self.skipped += 1
            print(f"expected failure {name}: {self.expected[name]}")
            return
        self.failed += 1
        where = traceback.extract_tb(error.__traceback__)[-1]
        detail = str(error).strip() or type(error).__name__
        print(f"FAIL {name}: {type(error).__name__} at {pathlib.Path(where.filename).name}:{where.lineno}: {detail[:2000]}")


def expected_failures(lane):
    """The names of a lane's checks that may fail, with the reason."""
    page = ROOT / "docs" / "expected-failures.md"
    if not page.is_file():
        return {}
    rows = re.findall(r"^- `([^`/]+)/([^`]+)`: (.+)$", page.read_text(), re.M)
    return {check: reason for name, check, reason in rows if name == lane}


def same(got, wanted, what=""):
    """`assert` with both values in the message."""
    if got != wanted:
        raise AssertionError(f"{what or 'value'}: got {shown(got)}, wanted {shown(wanted)}")


def that(condition, message):
    """`assert` that no interpreter flag switches off."""
    if not condition:
        raise AssertionError(message)


def shown(value):
    """A value for a message: long ones cut."""
    text = repr(value)
    return text if len(text) < 400 else text[:400] + f"... ({len(text)} characters)"


def arguments(**options):
    """Parses `--bin PATH` and the lane's own options, each with its default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="the strongroom binary")
    for name, default in options.items():
        kind = {"type": type(default)} if default is not None else {}
        parser.add_argument("--" + name.replace("_", "-"), default=default, **kind)
    return parser.parse_args()


def main(name, run, **options):
    """The whole of a lane's `__main__`: `run(lane, arguments)`, then the count line."""
    given, lane = arguments(**options), Lane(name)
    with lane.check("the lane runs to its end"):
        run(lane, given)
    sys.exit(lane.close())
