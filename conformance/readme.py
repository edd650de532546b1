"""What a newcomer types: the lines that a first start prints are pasted into a shell as they stand, and
the README shows the same lines.
"""
import pathlib
import re
import subprocess

from checks import ROOT, main, same, that
from server import Server


def run(lane, given):
    """Prints, pastes, compares."""
    with Server(given.bin) as server:
        # The ready line and the lines to try are on standard output, which the log shares.
        printed = printed_lines(server.log())
        with lane.check("the ready line names the endpoint"):
            that(f"strongroom is ready: {server.endpoint} " in server.log(), server.log()[:500])
        directory = server.scratch / "terminal"
        directory.mkdir()
        environment = {n: v for n, v in server.client_environment().items() if not n.startswith("AWS_") or n.endswith("METADATA_DISABLED")}
        with lane.check("the printed lines work as printed"):
            that(len(printed) >= 5, f"lines to try: {printed}")
            shell(printed, directory, environment)
            same((directory / "file.back").read_bytes(), (directory / "file").read_bytes())
        with lane.check("the README shows the printed lines"):
            data = re.escape(str(server.data.resolve()))
            shown = [re.sub(data, "$PWD/strongroom-data", line).replace(str(server.port), "9443") for line in printed]
            same(readme_lines(), shown)
        with lane.check("without the key the object stays closed"):
            last = [*[line for line in printed if line.startswith("export")],
                    f"aws --endpoint-url {server.endpoint} s3 cp s3://vault/file no-key && exit 1 || exit 0"]
            shell(last, directory, environment)
            that(not (directory / "no-key").exists(), "a file was made without the key")


def printed_lines(log):
    """The commands of the block that invites to try."""
    block = log.partition("To try it")[2].splitlines()[1:]
    lines = []
    for line in block:
        if not line.startswith("    "):
            break
        lines.append(line.strip())
    return lines


def readme_lines():
    """The commands of the README's client block."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    return next(block for block in blocks if "s3://vault" in block).splitlines()


def shell(lines, directory: pathlib.Path, environment):
    """Pastes lines into one shell."""
    ended = subprocess.run(["bash", "-e"], input="\n".join(lines), capture_output=True, text=True,
                           timeout=120, cwd=directory, env=environment)
    same(ended.returncode, 0, f"exit code: {ended.stdout} {ended.stderr}")


if __name__ == "__main__":
    main("readme", run)
