"""Other origins whose pages may have a token: what is one, and what is refused at start-up."""

import pytest

from monite_auth.adapter.origins import parse_origins
from monite_auth.adapter.token_endpoint import refuse_token_request
from monite_auth.errors import ConfigurationError


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://APP.example.com:443/", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0::1]:3000", "http://[::1]:3000"),
        ("http://localhost:8100", "http://localhost:8100"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("Ionic://localhost/", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("https://tauri.localhost", "https://tauri.localhost"),
        ("app://obsidian.md", "app://obsidian.md"),
        (
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        ),
        (
            "moz-extension://6f2e1a52-6c1d-4b0e-9a53-d0c0ffee0001",
            "moz-extension://6f2e1a52-6c1d-4b0e-9a53-d0c0ffee0001",
        ),
        ("safari-web-extension://6F2E1A52-6C1D", "safari-web-extension://6F2E1A52-6C1D"),
        ("custom+scheme.1://host:8080", "custom+scheme.1://host:8080"),
    ],
)
def test_an_origin_is_understood_as_browsers_send_it(given, sent):
    allowed = parse_origins([given])
    headers = {"origin": sent, "sec-fetch-site": "cross-site"}
    assert refuse_token_request("GET", headers, allowed_origins=allowed) is None
    assert (
        refuse_token_request("GET", headers | {"origin": sent + "x"}, allowed_origins=allowed).status == 403
    )


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "null",
        "null://",
        "file://",
        "file://host",
        "ws://app.example.com",
        "data://app.example.com",
        "data:text/html,hello",
        "javascript://app.example.com",
        "capacitor://",
        "capacitor:localhost",
        "capacitor://*",
        "capacitor://user@localhost",
        "capacitor://localhost/index.html",
        "localhost:3000",
        "//localhost",
        "1scheme://localhost",
        "https://bücher.example",
        "https://app.example.com\n",
        "https://app.exa mple.com",
        "https://app.example.com\\evil",
        "https://app.example.com%2f",
        "https://[::1",
        "https://[v1.x]",
        "",
        "app.example.com",
        "https://*.example.com",
        "https://",
        "https://user@app.example.com",
        "https://app.example.com/path",
        "https://app.example.com?x",
        "https://app.example.com:port",
        "ftp://app.example.com",
        "https://app.example.com https://other.example.com",
        None,
        7,
    ],
)
def test_what_is_no_origin_is_refused(given):
    with pytest.raises(ConfigurationError, match="is no origin"):
        parse_origins([given])


def test_one_string_is_no_list_of_origins():
    with pytest.raises(ConfigurationError, match="a list of origins.*not 'https://app.example.com'"):
        parse_origins("https://app.example.com")


MALFORMED = [
    "http://[",
    "http://[::1",
    "http://]",
    "http://app.example.com:port",
    "http://app.example.com:99999",
    "http://\u2100.example",
    "http://b\xfccher.example",
    "\xff\xfe",
    "http://",
    "://",
    "",
    " ",
    "null",
    "http://app.example.com http://other.example",
    "a" * 100_000,
]


@pytest.mark.parametrize(
    "host", ["app.example.com", "", "[", "app.example.com:port", "b\xfccher", "a@b", None]
)
@pytest.mark.parametrize("origin", MALFORMED)
def test_an_origin_that_is_none_is_refused_whatever_the_host_says(origin, host):
    headers = {"origin": origin} if host is None else {"origin": origin, "host": host}
    assert refuse_token_request("GET", headers).status == 403
    assert (
        refuse_token_request("POST", headers, allowed_origins=parse_origins(["https://x.example"])).status
        == 403
    )


@pytest.mark.parametrize(
    "host", ["", "[", "[::1", "app.example.com:port", "b\xfccher", "user@app.example.com", "a/b"]
)
def test_a_host_that_is_none_has_no_pages_of_its_own(host):
    for origin in ("https://app.example.com", f"https://{host}", "null"):
        assert refuse_token_request("GET", {"origin": origin, "host": host}).status == 403


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://app.example.com", "app.example.com"),
        ("https://app.example.com", "APP.example.com:443"),
        ("http://app.example.com", "app.example.com:80"),
        ("http://localhost:8000", "localhost:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_old_browsers_pages_of_the_host_that_is_asked_are_its_own(origin, host):
    assert refuse_token_request("GET", {"origin": origin, "host": host}) is None
    assert refuse_token_request("GET", {"origin": origin, "host": f"other.{host}"}).status == 403
    assert refuse_token_request("GET", {"origin": origin.replace("http", "app"), "host": host}).status == 403
    assert (
        refuse_token_request("GET", {"origin": origin, "host": host, "sec-fetch-site": "cross-site"}).status
        == 403
    )
