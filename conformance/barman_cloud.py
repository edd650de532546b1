"""barman-cloud with --sse-customer-key, once a release of it has that option."""
import subprocess

import tools
from checks import Skip, main

RELEASE = "3.19.1"


def run(lane, given):
    """Says loudly that the pinned release cannot be judged."""
    # Its code imports the database driver only when it connects; the source package of that would want a compiler.
    programs = tools.python_environment("barman", f"barman[cloud]=={RELEASE}", "psycopg2-binary==2.9.11")
    told = subprocess.run([programs / "barman-cloud-backup", "--help"], capture_output=True, text=True, timeout=60, check=True)
    if "--sse-customer-key" not in told.stdout:
        raise Skip(f"barman {RELEASE} has no --sse-customer-key")
    raise AssertionError("this release has the option: write the backup and restore, as in pgbackrest.py")


if __name__ == "__main__":
    main("barman_cloud", run)
