"""The AWS SDK for JavaScript v3, with lib-storage and the presigner: `conformance/js`, pinned by its package-lock."""
import tools
from checks import main
from server import REGION, Server


def run(lane, given):
    """All checks of js/lane.mjs."""
    node, npm = tools.program("node", "nodejs"), tools.program("npm", "npm")
    where = tools.copied("js")
    tools.install([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], where)
    with Server(given.bin) as server:
        own = {"ENDPOINT": server.endpoint, "REGION": REGION, "NODE_EXTRA_CA_CERTS": str(server.ca)}
        tools.report(lane, [node, "lane.mjs"], where, server.client_environment() | own)


if __name__ == "__main__":
    main("js_sdk", run)
