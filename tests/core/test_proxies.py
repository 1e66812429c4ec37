"""Variables about proxies and certificates: they work, or an error of ours names the one that cannot."""

import asyncio
import importlib.util
import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import httpx
import httpx2
import pytest

from monite_auth import EntityUser, Principal, TokenBroker, errors
from monite_auth.configuration.proxies import connection_options, is_excepted, proxy_for, trusted_certificates
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.errors import ConfigurationError
from tests.collector import PASSWORD, leaks, refused
from tests.redis_server import certificate
from tests.scripted import settings

ANNA = Principal("anna", session_id="1")
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir")

WRONG = [
    ("all_proxy", "socks://127.0.0.1:9", "begins with socks://.*socks5://"),
    ("ALL_PROXY", "socks4://127.0.0.1:9", "begins with socks4://"),
    ("HTTPS_PROXY", "ftp://127.0.0.1:9", "begins with ftp://"),
    ("https_proxy", "http://127.0.0.1:port", "is no URL"),
    ("HTTPS_PROXY", "http://127.0.0.1:99999", "is no URL"),
    ("HTTPS_PROXY", "http://[::1", "is no URL"),
    ("HTTPS_PROXY", "http://", "names no host"),
    ("HTTPS_PROXY", "http://:3128", "names no host"),
    ("HTTPS_PROXY", "http://user:hunter2#1@proxy:3128", "is no URL.*in a password"),
    ("HTTPS_PROXY", "http://user:hunter2/1@proxy:3128", "is no URL.*in a password"),
    ("HTTPS_PROXY", "http://pro xy:3128", "has characters"),
    ("HTTPS_PROXY", "http://próxy:3128", "has characters"),
    ("HTTPS_PROXY", "http://pro$xy:3128", "names no host"),
    ("HTTPS_PROXY", '"http://proxy:3128"', "is no URL"),
]

CALLS = {
    "token": lambda broker: broker.token(ANNA),
    "client": lambda broker: broker.client(ANNA),
    "a client of its own": lambda broker: broker.client(ANNA, http1=True),
    "atoken": lambda broker: asyncio.run(_on_a_loop(broker, "atoken")),
    "aclient": lambda broker: asyncio.run(_on_a_loop(broker, "aclient")),
}


async def _on_a_loop(broker, name):
    try:
        made = getattr(broker, name)(ANNA)
        return await made if asyncio.iscoroutine(made) else made
    finally:
        await broker.aclose()


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def far():
    """A broker for Monite itself, which nothing here reaches."""
    hasty = settings(environment="sandbox", deadline=2)
    with TokenBroker(hasty, {"anna": EntityUser(ANNA_ID, BAKERY_ID)}) as broker:
        yield broker


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_a_proxy_that_cannot_be_used_is_named_and_not_repeated(far, monkeypatch, call, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f": {name} ({says})") as caught:
        CALLS[call](far)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("call", CALLS)
def test_a_socks_proxy_is_used_or_says_what_is_missing(far, monkeypatch, call):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    if importlib.util.find_spec("socksio") is None:
        with pytest.raises(
            ConfigurationError, match="ALL_PROXY is a SOCKS proxy, .* pip install 'httpx.socks.'"
        ):
            CALLS[call](far)
    else:
        assert connection_options(far.settings)["proxy"] == "socks5://127.0.0.1:9"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("what", ["nowhere", "empty", "no certificate"])
def test_certificates_that_cannot_be_used_are_named(far, monkeypatch, tmp_path, call, name, what):
    path = tmp_path / "there"
    if what != "nowhere" and name == "SSL_CERT_DIR":
        path.mkdir()
    if what == "empty" and name == "SSL_CERT_FILE":
        path.write_text("")
    if what == "no certificate":
        (path if name == "SSL_CERT_FILE" else path / "readme.txt").write_text("hello")
    monkeypatch.setenv(name, str(path))
    with pytest.raises(ConfigurationError, match=f": {name} names"):
        CALLS[call](far)


@pytest.mark.parametrize("call", CALLS)
def test_promise_9_a_wrong_certificate_does_not_show_the_password_of_the_proxy(far, monkeypatch, call):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@proxy:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    error = refused(lambda: CALLS[call](far))
    assert isinstance(error, ConfigurationError)
    assert leaks(error) == set()


def test_promise_9_an_option_that_the_library_refuses_is_not_repeated(far, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@proxy:3128")
    assert leaks(refused(lambda: far.client(ANNA, http1=True, limits=3))) == set()


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HTTPS_PROXY": "127.0.0.1:9"},
        {"HTTPS_PROXY": "http://user:hunter2@proxy:3128/", "ALL_PROXY": "socks://never.used"},
        {"ALL_PROXY": "https://proxy:3128", "HTTP_PROXY": "gopher://never.used"},
        {
            "HTTPS_PROXY": "http://[::1]:9",
            "NO_PROXY": "localhost,[::1],::1/128,fe80::/10,http://[,10.0.0.0/8,*.internal",
        },
        {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"},
        {"HTTPS_PROXY": ""},
    ],
)
def test_working_variables_make_clients_and_transports_of_both_libraries(
    far, monkeypatch, library, variables
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    options = connection_options(far.settings)
    assert not options["trust_env"]
    for kind in (library.Client, library.HTTPTransport):
        kind(**options).close()

    async def on_a_loop():
        for kind in (library.AsyncClient, library.AsyncHTTPTransport):
            await kind(**options).aclose()

    asyncio.run(on_a_loop())


def test_certificates_that_can_be_used_are(far, monkeypatch, tmp_path):
    file, _ = certificate()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    trusted = trusted_certificates(far.settings)
    assert isinstance(trusted, ssl.SSLContext)
    assert len(trusted.get_ca_certs()) == 1
    monkeypatch.delenv("SSL_CERT_FILE")
    (tmp_path / "0a1b2c3d.0").write_bytes(file.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere:{tmp_path}")
    assert isinstance(trusted_certificates(far.settings), ssl.SSLContext)
    monkeypatch.delenv("SSL_CERT_DIR")
    assert trusted_certificates(far.settings) is True


def test_an_emulator_needs_none_of_it(monkeypatch, emulator, broker):
    for name in VARIABLES:
        monkeypatch.setenv(name.upper(), "nonsense://")
    assert broker.token(ANNA).value
    assert broker.client(ANNA).get("/entity_users/me").status_code == 200
    with broker.client(ANNA, http1=True) as own:
        assert own.get("/entity_users/me").status_code == 200


def test_options_that_an_app_chooses_are_not_read_from_the_environment(far, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "ftp://nonsense")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    there = httpx.MockTransport(lambda request: httpx.Response(200))
    far.client(ANNA, transport=there).close()
    far.client(ANNA, trust_env=False).close()
    far.client(ANNA, proxy="http://127.0.0.1:9", verify=ssl.create_default_context()).close()
    for asked in ({"trust_env": True}, {"verify": True}, {"proxy": None}):
        with pytest.raises(ConfigurationError):
            far.client(ANNA, **asked)


# -- which proxy


@contextmanager
def proxy():
    """A proxy that lets nobody through, and keeps what it was asked."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    asked.extend(connection.recv(4096).decode().splitlines()[:1])
                    connection.sendall(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("call", ["token", "atoken", "client", "aclient"])
def test_every_request_goes_through_the_proxy(far, monkeypatch, call):
    with proxy() as (port, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{port}")

        async def on_a_loop():
            try:
                if call == "atoken":
                    await far.atoken(ANNA)
                else:
                    await far.aclient(ANNA).get("/payables", auth=None)
            finally:
                await far.aclose()

        with pytest.raises((errors.MoniteUnavailable, httpx.ProxyError)):
            if call == "token":
                far.token(ANNA)
            elif call == "client":
                far.client(ANNA).get("/payables", auth=None)
            else:
                asyncio.run(on_a_loop())
        assert set(asked) == {"CONNECT api.sandbox.monite.com:443 HTTP/1.1"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HTTPS_PROXY": "http://a:1", "ALL_PROXY": "http://b:1"}, "http://a:1"),
        ({"HTTP_PROXY": "http://a:1", "ALL_PROXY": "http://b:1"}, "http://b:1"),
        ({"HTTP_PROXY": "http://a:1"}, None),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "monite.com"}, None),
        ({"HTTPS_PROXY": "http://a:1", "no_proxy": "other.com"}, "http://a:1"),
        ({"HTTPS_PROXY": "ftp://nonsense", "NO_PROXY": "*"}, None),
    ],
)
def test_one_proxy_is_looked_up_as_curl_does(far, monkeypatch, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(far.settings) == expected


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "excepted"),
    [
        ("*", "api.monite.com", 443, True),
        ("a.example, *", "api.monite.com", 443, True),
        ("monite.com", "api.monite.com", 443, True),
        (".monite.com", "api.monite.com", 443, True),
        ("*.monite.com", "api.monite.com", 443, True),
        ("*monite.com", "api.monite.com", 443, True),
        ("MONITE.com.", "api.monite.com", 443, True),
        ("a.example b.example\tmonite.com", "api.monite.com", 443, True),
        ("https://api.monite.com", "api.monite.com", 443, True),
        ("api.monite.com:443", "api.monite.com", 443, True),
        ("api.monite.com:8443", "api.monite.com", 443, False),
        ("onite.com", "api.monite.com", 443, False),
        ("monite.com.evil", "api.monite.com", 443, False),
        ("", "api.monite.com", 443, False),
        (",, .,*.", "api.monite.com", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.1.2.3:443", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "api.monite.com", 443, False),
        ("10.0.0.0/99,monite.com", "api.monite.com", 443, True),
        ("fd00::/8", "fd00::1", 443, True),
        ("[fd00::1]", "fd00::1", 443, True),
        ("[fd00::1]:443", "fd00::1", 443, True),
        ("[fd00::]/8", "fd00::1", 443, True),
        ("::1/128", "fd00::1", 443, False),
        ("http://[,[::1", "fd00::1", 443, False),
        ("cdef", "fd00::cdef", 443, False),
    ],
)
def test_exceptions_are_read_as_curl_reads_them(no_proxy, host, port, excepted):
    assert is_excepted(no_proxy, host, port) is excepted
