"""Runs an external benchmark script against a release build that was started for it.

The script is called as `SCRIPT NAME ENDPOINT ACCESS SECRET REGION PID [its own options]` and prints
JSON lines. Everything after this lane's own options is handed on, such as `--secs 8 --only G64M`.
"""
import argparse
import shutil
import subprocess
import sys

from checks import Lane
from server import REGION, Server


def main():
    """Starts, runs, ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--peerbench", required=True)
    given, handed_on = parser.parse_known_args()
    lane = Lane("bench")
    if not shutil.which("wrk"):
        lane.skip("the benchmark", "no wrk (apt-get install wrk)")
        sys.exit(lane.close())
    with lane.check("the benchmark script ends well"), Server(given.bin) as server:
        access, secret = server.credentials()
        line = [sys.executable, given.peerbench, "strongroom", server.endpoint, access, secret, REGION, str(server.pid)]
        subprocess.run(line + handed_on, check=True)
    sys.exit(lane.close())


if __name__ == "__main__":
    main()
