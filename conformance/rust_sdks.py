"""The AWS SDK for Rust, object_store and opendal: `conformance/rust`, pinned by its Cargo.lock and compiled once
(minutes when cold). It is no member of the workspace, so that the server's Cargo.lock stays free of its clients.
"""
import tools
from checks import main
from server import REGION, Server


def run(lane, given):
    """All checks of rust/."""
    cargo = tools.program("cargo", "cargo")
    where = tools.copied("rust")
    target = {"CARGO_TARGET_DIR": str(where / "target"), "RUSTFLAGS": ""}
    tools.install([cargo, "build", "--locked"], where, **target)
    with Server(given.bin) as server:
        own = {"ENDPOINT": server.endpoint, "REGION": REGION, "SSL_CERT_FILE": str(server.ca)}
        tools.report(lane, [where / "target/debug/rust-sdks"], where, server.client_environment() | own)


if __name__ == "__main__":
    main("rust_sdks", run)
