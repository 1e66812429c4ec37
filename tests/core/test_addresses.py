"""http is for this machine, and for an emulator near it: a real secret never crosses a network in the open."""

import pytest

from monite_auth import Settings
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.errors import ConfigurationError
from tests.scripted import CLIENT_ID, SECRET

HERE = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "monite.localhost",
    "a.b.localhost",
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
]

NEARBY = [
    "monite",
    "monite-emulator",
    "my_service",
    "2monite",
    "host.docker.internal",
    "host.containers.internal",
    "emulator.local",
    "emulator.default.svc.cluster.local",
    "emulator.default.svc",
    "emulator.home.arpa",
    "emulator.test",
    "10.0.0.7",
    "172.16.0.1",
    "172.31.255.1",
    "192.168.65.2",
    "[fd00::17]",
    "[::ffff:10.0.0.7]",
    "0.0.0.0",
]

ELSEWHERE = [
    "api.monite.com",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evillocalhost.example",
    "internal.evil.example",
    "172.32.0.1",
    "172.15.255.255",
    "11.0.0.1",
    "192.169.0.1",
    "8.8.8.8",
    "169.254.169.254",
    "[2001:db8::1]",
    "[fe80::1]",
    "[::ffff:8.8.8.8]",
    # Numbers that libc takes for addresses; the first two are 127.0.0.1, and the others are not.
    "127.1",
    "2130706433",
    "134744072",
    "0x08080808",
    "0177.0.0.1",
    "mönite",
]


def made(host, *, scheme="http", client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET):
    return Settings(client_id=client_id, client_secret=client_secret, base_url=f"{scheme}://{host}:8090/v1")


@pytest.mark.parametrize("host", HERE)
def test_http_is_for_this_machine_with_any_credentials(host):
    assert made(host, client_id=CLIENT_ID, client_secret=SECRET).is_local
    assert made(host, scheme="https").is_local


@pytest.mark.parametrize("host", NEARBY)
def test_http_reaches_an_emulator_in_the_same_network_with_its_demo_credentials_only(host):
    assert made(host).is_local
    for wrong in (
        {"client_id": CLIENT_ID, "client_secret": SECRET},
        {"client_secret": SECRET},
        {"client_id": CLIENT_ID},
    ):
        with pytest.raises(ConfigurationError, match="base_url is http: .* demo credentials only"):
            made(host, **wrong)


@pytest.mark.parametrize("host", NEARBY)
def test_https_takes_any_credentials_there_and_may_have_a_proxy_before_it(host):
    assert not made(host, scheme="https", client_id=CLIENT_ID, client_secret=SECRET).is_local


@pytest.mark.parametrize("host", ELSEWHERE)
def test_http_is_for_no_other_host_whatever_the_credentials(host):
    with pytest.raises(ConfigurationError, match="base_url is http: .* this machine only"):
        made(host)


def test_a_demo_secret_in_a_file_that_becomes_a_real_one_does_not_cross_the_network(tmp_path):
    file = tmp_path / "secret"
    file.write_text(DEMO_CLIENT_SECRET)
    nearby = Settings(
        client_id=DEMO_CLIENT_ID, client_secret_file=str(file), base_url="http://monite:8090/v1"
    )
    file.write_text(SECRET)
    assert not nearby.credentials.reload(refused=nearby.secret)
    assert nearby.secret.reveal() == DEMO_CLIENT_SECRET
