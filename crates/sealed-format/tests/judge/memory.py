"""Searches the memory of `examples/leaves_nothing_behind.rs` for every secret that it had.

    memory.py EXAMPLE      the example, built with the feature key-witness

What is left depends on how the example was compiled: frames of a build without optimisation reach three times
as far down as those of a release build (the figures stand beside the wiped lengths in src/secret.rs). So CI has
it searched at both of its own levels; a release build and one whose dependencies are not optimised either
(--config 'profile.dev.package."*".opt-level=0') are to be looked at when those lengths or the providers change.

Exit code 0 if nothing is found, and something is found when the example is told to forget a key; else 1.
"""

import base64
import os
import subprocess
import sys
import tempfile

import hmac_states

# Enough bytes of a secret that none is found by chance.
HEAD = 16
# Bytes that are compared at once, at every offset: a head's first ones.
WORD = 8
# What stands as a key in an HMAC, whose states and padded blocks are searched for as well.
HMAC_KEYS = ("prk", "dek", "mk", "ck", "body-key", "ring-key")
# Fewer would mean that the witness did not work.
SECRETS_MIN = 100


def search(example, *arguments):
    """Returns the number of secrets, and the labels of those whose first or last half stands in memory."""
    with tempfile.TemporaryDirectory() as directory:
        witness = os.path.join(directory, "witness")
        environment = {**os.environ, "STRONGROOM_KEY_WITNESS": witness}
        process = subprocess.Popen(
            [example, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        try:
            process.stdin.write(base64.b64encode(os.urandom(32)))
            process.stdin.flush()
            assert process.stdout.readline() == b"ready\n", "the example did its work"
            with open(witness) as lines:
                secrets = {bytes.fromhex(value): label for label, value in map(str.split, lines)}
            for secret, label in list(secrets.items()):
                if label in HMAC_KEYS:
                    secrets |= {state: f"state of {label}" for state in hmac_states.states(secret)}
                    secrets |= {block: f"padded {label}" for block in hmac_states.padded(secret)}
            halves = {half: label for secret, label in secrets.items() for half in (secret[:HEAD], secret[-HEAD:])}
            found = [halves[hit] for region in memory(process.pid) for hit in hits(region, halves)]
            return len(secrets), found
        finally:
            process.kill()
            process.wait()


def hits(region, halves):
    """Every place of every half in a region. The words of the region are compared as one set with those that the
    halves begin with; an alternation of thousands of strings would take a minute."""
    begins = {int.from_bytes(half[:WORD], sys.byteorder) for half in halves}
    for shift in range(min(WORD, len(region))):
        words = memoryview(region)[shift:]
        words = words[:len(words) // WORD * WORD].cast("Q")
        for begin in begins.intersection(words):
            word, at = begin.to_bytes(WORD, sys.byteorder), -1
            while (at := region.find(word, at + 1)) >= 0:
                if at % WORD == shift and region[at:at + HEAD] in halves:
                    yield region[at:at + HEAD]


def memory(pid):
    """Every readable region of a process."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as contents:
        for line in maps:
            addresses, permissions = line.split()[:2]
            start, end = (int(address, 16) for address in addresses.split("-"))
            if "r" in permissions:
                try:
                    contents.seek(start)
                    yield contents.read(end - start)
                except (OSError, OverflowError):
                    pass  # The kernel's own pages, such as [vvar].


def main(example):
    count, found = search(example)
    print(f"{count} secrets, {len(found)} left behind {sorted(set(found))}")
    _, forgotten = search(example, "forget")
    print(f"told to forget a key: {len(forgotten)} found {sorted(set(forgotten))}")
    return 0 if count >= SECRETS_MIN and not found and "customer-key" in forgotten else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
