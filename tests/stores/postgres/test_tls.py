"""TLS as libpq has it: the certificate and the host's name are checked, and what is wrong with them is a mistake of configuration."""

import subprocess

import pytest

from monite_auth.errors import ConfigurationError
from tests.postgres_server import PostgresServer, emptied
from tests.redis_server import certificate
from tests.stores.harness import ALICE, FORMS
from tests.stores.live import LiveGround

pytestmark = pytest.mark.parametrize("form", FORMS)

LARGE = "x" * 1_000_000
"""More than one record of TLS has room for, and than the socket takes at once."""


@pytest.fixture(scope="module")
def own_server():
    with PostgresServer(ssl="on") as running:
        yield running


@pytest.fixture
def tls_server(own_server):
    return emptied(own_server)


@pytest.fixture(scope="module")
def another_authority(tmp_path_factory):
    """A certificate that has signed nothing of the server's."""
    folder = tmp_path_factory.mktemp("authority")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=another", "-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "ca.pem"


def url_of(server, host="127.0.0.1", *, trusted=None, options=""):
    trusted = trusted or certificate()[0]
    return (
        f"postgresql://admin@{host}:{server.port}/postgres?sslmode=verify-full&sslrootcert={trusted}{options}"
    )


def test_a_server_whose_certificate_is_in_order_serves_over_tls_only(tls_server, form, drive):
    driver = drive(LiveGround(url_of(tls_server)), form)
    driver.put("t")
    driver.put_note(LARGE)
    assert (driver.peek(), driver.get_note()) == ("t", LARGE)
    encrypted = """
        SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'monite-auth'
    """
    assert tls_server.query(encrypted) == [(True,)]
    assert driver.run(driver.ops.end_session(ALICE)) == 1


def test_a_certificate_that_nobody_trusted_has_signed_is_refused(tls_server, another_authority, form, drive):
    driver = drive(LiveGround(url_of(tls_server, trusted=another_authority)), form)
    with pytest.raises(ConfigurationError, match=r"certificate.*sslrootcert"):
        driver.peek()


def test_a_certificate_of_another_host_is_refused(tls_server, form, drive):
    driver = drive(LiveGround(url_of(tls_server, "db.example", options="&hostaddr=127.0.0.1")), form)
    with pytest.raises(ConfigurationError, match='does not match host name "db.example"'):
        driver.peek()


def test_a_file_of_authorities_that_there_is_not_is_named(tls_server, tmp_path, form, drive):
    driver = drive(LiveGround(url_of(tls_server, trusted=tmp_path / "nothere.pem")), form)
    with pytest.raises(ConfigurationError, match=r"nothere.pem"):
        driver.peek()


def test_a_server_that_speaks_no_tls_is_not_used(server, form, drive):
    with pytest.raises(ConfigurationError, match="does not support SSL"):
        drive(LiveGround(url_of(server)), form).peek()
