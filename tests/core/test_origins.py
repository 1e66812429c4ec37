"""Other origins whose pages may have a token: what is one, and what is refused at start-up."""

import pytest

from monite_auth.answers import origins, refuse_token_request
from monite_auth.errors import ConfigurationError


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://APP.example.com:443/", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_understood_as_browsers_send_it(given, sent):
    allowed = origins([given])
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
        origins([given])


def test_one_string_is_no_list_of_origins():
    with pytest.raises(ConfigurationError, match="a list of origins.*not 'https://app.example.com'"):
        origins("https://app.example.com")
