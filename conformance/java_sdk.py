"""The AWS SDK for Java v2: `conformance/java`, its version pinned in pom.xml, fetched by Maven."""
import tools
from checks import main
from server import REGION, Server

STORE_PASSWORD = "changeit"  # of a trust store that holds one public certificate


def run(lane, given):
    """All checks of java/."""
    java, maven = tools.program("java", "openjdk-17-jdk-headless"), tools.program("mvn", "maven")
    keytool, where = tools.program("keytool", "openjdk-17-jdk-headless"), tools.copied("java")
    tools.install([maven, "--batch-mode", "--quiet", "package"], where)
    with Server(given.bin) as server:
        store = server.scratch / "trust.p12"
        tools.install([keytool, "-importcert", "-noprompt", "-alias", "lane", "-file", server.ca, "-keystore", store,
                       "-storetype", "PKCS12", "-storepass", STORE_PASSWORD], where)
        own = {"ENDPOINT": server.endpoint, "REGION": REGION}
        trust = [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}"]
        program = [java, *trust, "-cp", f"{where}/target/classes:{where}/target/libraries/*", "Lane"]
        tools.report(lane, program, where, server.client_environment() | own)


if __name__ == "__main__":
    main("java_sdk", run)
