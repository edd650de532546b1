"""The programs that the client lanes drive, and where a lane installs those that come from a registry.

Debian packages are never installed by a lane: `program` skips it and names the package. What comes from a
registry is installed by the registry's own client, under the build directory, from pinned versions.
"""
import os
import pathlib
import shutil
import subprocess
import sys

from checks import ROOT, Skip

INSTALL_SECONDS_MAX = 30 * 60  # a cold compilation of the largest SDK on two busy cores
RUN_SECONDS_MAX = 10 * 60


def directory(name):
    """The directory below the build directory that belongs to one lane; kept between runs."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    path = target / "lanes" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def program(name, package):
    """The path of a program, or the loud skip that names the Debian package which has it."""
    found = shutil.which(name)
    if not found:
        raise Skip(f"no {name} (apt-get install {package})")
    return found


def install(command, where, **environment):
    """Runs an installer or compiler to its end; an `AssertionError` with its last words if it fails."""
    ended = subprocess.run([str(word) for word in command], cwd=where, env=os.environ | environment, text=True,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=INSTALL_SECONDS_MAX)
    if ended.returncode:
        raise AssertionError(f"{command[0]} ended with {ended.returncode}: {(ended.stdout + ended.stderr)[-1500:]}")


def copied(name):
    """A copy of `conformance/NAME/` in the lane's own directory, so that no installer writes into the sources."""
    where = directory(name)
    shutil.copytree(ROOT / "conformance" / name, where, dirs_exist_ok=True)
    return where


def python_environment(name, *requirements):
    """A virtual environment of its own for a client whose pins would bind the other lanes."""
    where = directory(name)
    stamp, wanted = where / "requirements.stamp", "\n".join(requirements)
    if not stamp.is_file() or stamp.read_text() != wanted:
        install([sys.executable, "-m", "venv", "--clear", where / "venv"], where)
        install([where / "venv/bin/python", "-m", "pip", "install", "--quiet", *requirements], where)
        stamp.write_text(wanted)
    return where / "venv" / "bin"


def report(lane, command, where, environment):
    """Runs a program that prints `ok NAME` or `FAIL NAME: why` for each check, and counts those as the lane's."""
    ended = subprocess.run([str(word) for word in command], cwd=where, env=environment, text=True,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=RUN_SECONDS_MAX)
    checks = [line for line in ended.stdout.splitlines() if line.startswith(("ok ", "FAIL "))]
    for line in checks:
        outcome, _, rest = line.partition(" ")
        name, _, why = rest.partition(": ") if outcome == "FAIL" else (rest, "", "")
        with lane.check(name):
            if outcome == "FAIL":
                raise AssertionError(why)
    if ended.returncode not in (0, 1) or not checks or (ended.returncode and "FAIL " not in ended.stdout):
        raise AssertionError(f"ended with {ended.returncode}: {(ended.stdout + ended.stderr)[-1500:]}")
