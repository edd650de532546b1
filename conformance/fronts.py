"""Front-ends that do not belong together: over another's blobs, or set up differently. Each is refused, and says why.

PostgreSQL is started where Debian's package `postgresql` is installed; the object store is another strongroom.
"""
import contextlib
import pathlib
import time

import checks
import server
from backends import postgresql, strongroom_blobs
from server import Server

ACCESS, SECRET = "STRONGROOM_ROOT_ACCESS_KEY", "STRONGROOM_ROOT_SECRET_KEY"
DIFFERENT = "another server of the same catalog is set up differently"
DEAD_SECONDS_MAX = 90  # 30, on a busy machine
STOPPED_SECONDS_MAX = 5  # half a beat
REFUSED_SECONDS_MAX = 25  # two beats, and a start on a busy machine; a dead one would take 30


class Front(Server):
    """One front-end of an installation, with a data directory, master key and root credentials of the lane's."""

    def __init__(self, lane, **settings):
        super().__init__(lane.binary, environment=lane.environment | settings, fronts=1)
        self.data.mkdir(mode=0o700)
        (self.data / "master.key").write_bytes(lane.master_key)
        self.given = settings

    def command(self):
        """Without a region: settings come from the environment."""
        line = super().command()
        at = line.index("--region")
        return line[:at] + line[at + 2:]

    def credentials(self):
        """What the environment says."""
        return self.environment[ACCESS], self.environment[SECRET]

    def refused(self, *words):
        """It does not start, soon, and says these words and no secret."""
        begun = time.monotonic()
        try:
            self.start()
        except RuntimeError as error:
            told = str(error)
        else:
            raise AssertionError("it started")
        finally:
            self.__exit__()
        checks.that("the server ended with 1" in told, told)
        for word in words:
            checks.that(word in told, f"{word!r} is not in {told}")
        checks.that(self.environment[SECRET] not in told, "it showed a secret")
        return time.monotonic() - begun


class World:
    """A catalog, a place for blobs, and what all front-ends are given."""

    def __init__(self, binary, catalog, store):
        self.binary, self.catalog, self.store = binary, catalog, store
        self.master_key = bytes(range(32))
        self.environment = store.environment | {
            "STRONGROOM_FRONT_ENDS": "several", "STRONGROOM_METADATA": self.schema("first"), "STRONGROOM_BLOBS": self.below("first"),
            ACCESS: "lane-root", SECRET: "a-secret-of-the-lane"}

    def schema(self, name):
        """The URL of a catalog of its own."""
        return f"{self.catalog.url}{'&' if '?' in self.catalog.url else '?'}schema={name}"

    def below(self, name):
        """The URL of a prefix of its own."""
        place, _, parameters = self.store.url.partition("?")
        return f"{place}/{name}?{parameters}"


def blobs(lane, world, first):
    """Whose the blobs are."""
    body = bytes(1 << 20)
    with lane.check("a second catalog over the same prefix is refused, and the first one's blobs stay"):
        first.boto3().create_bucket(Bucket="bucket")
        first.boto3().put_object(Bucket="bucket", Key="key", Body=body)
        other = Front(world, STRONGROOM_METADATA=world.schema("second"))
        other.refused("are not this catalog's", "was never served over them")
        checks.same(first.boto3().get_object(Bucket="bucket", Key="key")["Body"].read(), body)
    with lane.check("a front-end of the same catalog over another prefix is refused"):
        Front(world, STRONGROOM_BLOBS=world.below("elsewhere")).refused("are not this catalog's", "they carry no mark")
        with Front(world, STRONGROOM_METADATA=world.schema("third"), STRONGROOM_BLOBS=world.below("third")):
            pass
        Front(world, STRONGROOM_BLOBS=world.below("third")).refused("are not this catalog's", "are marked as installation")


def settings(lane, world, first):
    """Who differs from one that lives."""
    for name, value, told in (
            ("REGION", "eu-1", "--region is eu-1 here and us-east-1 there"),
            ("PROFILE", "ceph", "--profile is ceph here and aws there"),
            ("REMOVAL_GRACE_SECONDS", "60", "--removal-grace-seconds is 60 here and 30 there"),
            ("ROOT_SECRET_KEY", "another-secret-of-it", "root's secret key is not the same"),
            ("ROOT_ACCESS_KEY", "another-root", "root's access key is another-root here and lane-root there")):
        with lane.check(f"another {name.lower()} is refused"):
            seconds = Front(world, **{f"STRONGROOM_{name}": value}).refused(DIFFERENT, told)
            checks.that(seconds < REFUSED_SECONDS_MAX, f"after {seconds:.0f} s")
    with lane.check("one that is set up alike serves, and the refused ones left nothing behind"), Front(world) as second:
        checks.that(second.boto3().get_object(Bucket="bucket", Key="key")["ContentLength"], "nothing came")
        checks.same(first.boto3().head_object(Bucket="bucket", Key="key")["ContentLength"], 1 << 20)
        checks.same(second.stop(), 0, "exit code")


def changing(lane, world, first):
    """A setting is changed on one after the other."""
    new = {"STRONGROOM_REGION": "eu-1"}
    with lane.check("a setting is changed on one front-end after the other"), contextlib.ExitStack() as all_of_them:
        one = all_of_them.enter_context(Front(world, STRONGROOM_FRONT_ENDS="changing", **new))
        checks.that("--region is eu-1 here and us-east-1 there" in one.log(), "it told nobody")
        checks.same(first.stop(), 0, "exit code")
        two = all_of_them.enter_context(Front(world, **new))
        checks.same((one.stop(), two.stop()), (0, 0), "exit codes")
    with lane.check("one that was killed holds another setting back no longer than until it counts as dead"):
        with Front(world, **new) as killed:
            killed.kill()
            stopped_while_it_waits(world)
            server.READY_SECONDS_MAX = DEAD_SECONDS_MAX
            with Front(world) as next_one:
                checks.that("waiting for a sign of life" in next_one.log(), "it did not wait")
                checks.same(next_one.stop(), 0, "exit code")


def stopped_while_it_waits(world):
    """SIGTERM ends a front-end that waits for another one's sign of life at once, and in good order."""
    waiting = Front(world)
    waiting.ready = lambda: "waiting for a sign of life" in waiting.log()  # it is never ready
    with waiting:
        begun = time.monotonic()
        checks.same(waiting.stop(), 0, "exit code of one that waits")
        checks.that(time.monotonic() - begun < STOPPED_SECONDS_MAX, "it went on waiting")
        checks.that("stopping" in waiting.log(), "it did not say that it stops")


def run(lane, given):
    """All checks, over one catalog and one place for blobs."""
    binary = str(pathlib.Path(given.bin).resolve())
    with contextlib.ExitStack() as things:
        try:
            catalog = things.enter_context(postgresql())
        except checks.Skip as reason:
            lane.skip("fronts", reason)
            return
        world = World(binary, catalog, things.enter_context(strongroom_blobs(binary)))
        first = things.enter_context(Front(world))
        blobs(lane, world, first)
        settings(lane, world, first)
        changing(lane, world, first)


if __name__ == "__main__":
    checks.main("fronts", run)
