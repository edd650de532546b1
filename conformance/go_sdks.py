"""The AWS SDK for Go v2 and minio-go: `conformance/go`, pinned by its go.sum and compiled once (minutes when cold)."""
import tools
from checks import main
from server import REGION, Server


def run(lane, given):
    """All checks of go/."""
    go = tools.program("go", "golang")
    where = tools.copied("go")
    tools.install([go, "build", "-mod=readonly", "-p", "1", "-o", "lane", "."], where, GOFLAGS="", CGO_ENABLED="0")
    with Server(given.bin) as server:
        own = {"ENDPOINT": server.endpoint, "REGION": REGION, "SSL_CERT_FILE": str(server.ca)}
        tools.report(lane, [where / "lane"], where, server.client_environment() | own)


if __name__ == "__main__":
    main("go_sdks", run)
