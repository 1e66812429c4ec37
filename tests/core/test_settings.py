"""Settings refuse what cannot work, all at once, and say how to mend it."""

import math
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monite_auth import Secret, Settings
from monite_auth.configuration.numbers import is_number
from monite_auth.errors import ConfigurationError
from tests.scripted import CLIENT_ID, SECRET, World, granted, settings


def problems_of(**changes) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        settings(**changes)
    return caught.value.problems


def test_two_settings_are_enough():
    made = Settings(client_id=CLIENT_ID, client_secret=SECRET)
    assert made.base_url == "https://api.sandbox.monite.com/v1"
    assert made.api_version == "2024-05-25"
    assert made.secret.reveal() == SECRET


@pytest.mark.parametrize("given", ["journal", Path("journal")])
def test_a_journal_stays_where_it_is_when_the_process_changes_its_directory(given, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert settings(journal_directory=given).journal_directory == str(tmp_path / "journal")
    assert settings().journal_directory == ""


@pytest.mark.parametrize(
    ("environment", "base_url"),
    [
        ("sandbox", "https://api.sandbox.monite.com/v1"),
        ("eu", "https://api.monite.com/v1"),
        ("us", "https://us.api.monite.com/v1"),
    ],
)
def test_an_environment_names_an_address(environment, base_url):
    assert settings(environment=environment).base_url == base_url


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"client_id": "my-client"}, "client_id is no UUID: copy it from"),
        ({"client_id": ""}, "client_id is missing: copy it from"),
        ({"client_secret": ""}, "client_secret is empty: set it to"),
        ({"client_secret": " \t\n"}, "client_secret is empty: set it to"),
        ({"client_secret": "abc\n"}, "was a line break copied along"),
        ({"client_secret": 123}, "client_secret is text, not int"),
        ({"journal_directory": 7}, "journal_directory is the path of a directory, not 7"),
        ({"journal_directory": "a\0b"}, "journal_directory is the path of a directory"),
        ({"environment": "prod"}, "environment 'prod' is unknown: use one of sandbox, eu, us"),
        ({"environment": "eu", "base_url": "https://x.example/v1"}, "both set: leave one out"),
        ({"base_url": "http://api.monite.com/v1"}, "base_url is http: use https"),
        ({"base_url": "http://127.0.0.1.evil.example/v1"}, "base_url is http: use https"),
        ({"base_url": "https://user:pass@x.example/v1"}, "user name or password: take them out"),
        ({"base_url": "https://user@x.example/v1"}, "user name or password: take them out"),
        ({"base_url": "https://x.example/v1?debug=1"}, "query or a fragment"),
        ({"base_url": "https://x.example/v1#top"}, "query or a fragment"),
        ({"base_url": "https://x.example/v1?"}, "query or a fragment"),
        ({"base_url": "ftp://x.example/v1"}, "no web address"),
        ({"base_url": "api.monite.com/v1"}, "no web address"),
        ({"base_url": "https:///v1"}, "no web address"),
        ({"base_url": "http://evil.example[::1]/v1"}, "no "),
        ({"base_url": 7}, "no URL"),
        ({"environment": ["eu"]}, "is unknown"),
        ({"store_url": 7}, "store_url begins with"),
        ({"store_keys": 7}, "store_keys is text"),
        ({"base_url": "https://x.example:port/v1"}, "no URL"),
        ({"base_url": "https://x.example/v1\n"}, "white space or control characters"),
        ({"api_version": "latest"}, 'api_version is a date such as "2024-05-25"'),
        ({"api_version": "2024-13-01"}, "api_version is a date"),
        ({"api_version": ""}, "api_version is a date"),
        ({"api_version": None}, "api_version is a date"),
        ({"token_scope": "request"}, 'token_scope is "user" or "session"'),
        ({"store_url": "carrier-pigeon://"}, "store_url begins with memory://, sqlite://"),
        ({"store_url": "sqlite"}, "store_url begins with"),
        ({"store_keys": "short,a-key-that-is-long-enough"}, "fewer than 16 characters"),
        ({"requests_per_second": 0}, "requests_per_second is more than 0"),
        ({"requests_per_second": -30}, "requests_per_second is more than 0"),
        ({"deadline": math.nan}, "deadline is more than 0"),
        ({"deadline": math.inf}, "deadline is more than 0"),
        ({"read_timeout": 5000}, "read_timeout is more than 0 and at most 3,600 seconds"),
        ({"connect_timeout": "soon"}, "connect_timeout is a number of seconds, not 'soon'"),
        ({"lease": True}, "lease is a number of seconds, not True"),
        ({"expiry_margin": 0}, "expiry_margin is more than 0 and at most 5 seconds, not 0"),
        ({"expiry_margin": 6}, "expiry_margin is more than 0 and at most 5 seconds, not 6"),
        ({"renewal_share": 0}, "renewal_share is more than 0 and at most 0.5, not 0"),
        ({"renewal_share": 0.6}, "renewal_share is more than 0 and at most 0.5, not 0.6"),
        ({"renewal_share": "half"}, "renewal_share is a number, not 'half'"),
        ({"renewal_jitter": 1.5}, "renewal_jitter is at least 0 and at most 1, not 1.5"),
        ({"renewal_jitter": math.nan}, "renewal_jitter is at least 0 and at most 1, not nan"),
        ({"renewal_margin": -1}, "renewal_margin is at least 0 and at most 3,600 seconds, not -1"),
        ({"min_browser_ttl": 10**9}, "min_browser_ttl is more than 0 and at most 86,400"),
    ],
)
def test_wrong_settings_are_refused_with_how_to_mend_them(changes, says):
    (problem,) = problems_of(**changes)
    assert says in problem


def test_the_settings_of_a_store_that_are_wrong_are_told_at_once():
    store, journal = problems_of(store_url="sqlite", journal_directory=7)
    assert store.startswith("store_url")
    assert journal.startswith("journal_directory")


def test_all_problems_are_told_at_once():
    problems = problems_of(client_id="x", client_secret="", environment="moon", deadline=-1)
    assert len(problems) == 4
    with pytest.raises(ConfigurationError) as caught:
        settings(client_id="x", client_secret="")
    assert "- client_id" in str(caught.value)
    assert "- client_secret" in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_http_is_for_this_machine_only(host):
    assert settings(base_url=f"http://{host}:8090/v1").base_url == f"http://{host}:8090/v1"


def test_a_refused_url_does_not_give_its_password_away():
    assert "hunter2" not in " ".join(problems_of(base_url="https://user:hunter2@x.example/v1"))


@given(st.text())
def test_any_base_url_is_taken_or_refused_and_never_a_crash(url):
    try:
        made = settings(base_url=url)
    except ConfigurationError:
        return
    assert made.base_url.startswith(("https://", "http://"))


NUMBERS = {
    "OUTAGE_TRUST": 60,
    "CONNECT_TIMEOUT": 3,
    "READ_TIMEOUT": 5,
    "DEADLINE": 10,
    "REVOKE_WITHIN": 0,
    "REQUESTS_PER_SECOND": 30,
    "CALL_PATIENCE": 2,
    "LEASE": 5,
    "EXPIRY_MARGIN": 5,
    "RENEWAL_SHARE": 0.2,
    "RENEWAL_JITTER": 0.1,
    "RENEWAL_MARGIN": 30,
    "MIN_BROWSER_TTL": 600,
    "API_LONGEST_BODY": 50_000_000,
    "API_CALLS_PER_SESSION": 32,
    "ROLE_TTL": 60,
    "SESSION_MEMORY": 14 * 24 * 3600,
}


def test_every_number_has_the_default_of_the_documentation_and_a_line_there():
    made = settings()
    assert {each.name.upper() for each in fields(Settings) if is_number(each)} == set(NUMBERS)
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    documented = dict(re.findall(r"^\| `MONITE_(\w+)` \|.*\| ([\d.]+) [^|]*\|[^|]*\|$", page, re.MULTILINE))
    days = {"SESSION_MEMORY": 24 * 3600}
    for name, default in NUMBERS.items():
        assert getattr(made, name.lower()) == default
        assert float(documented[name]) * days.get(name, 1) == default, name


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_can_be_set_from_the_environment(name):
    environ = {"MONITE_CLIENT_ID": CLIENT_ID, "MONITE_CLIENT_SECRET": SECRET, f"MONITE_{name}": "0.25"}
    assert getattr(Settings.from_env(environ), name.lower()) == 0.25


def test_the_timing_of_tokens_is_that_of_the_settings():
    world = World(granted(expires_in=1000), expiry_margin=2, renewal_share=0.5, renewal_jitter=0)
    token = world.token()
    assert token.life == 998
    assert token.renew_at - token.issued_at == 499


def test_a_token_that_lives_no_longer_than_the_margin_is_not_used():
    world = World(granted("short", expires_in=3), granted("long"), expiry_margin=2)
    assert world.value() == "short"
    world = World(granted("short", expires_in=3), granted("long"))
    assert world.value() == "long"


def test_settings_can_be_replaced():
    assert replace(settings(environment="eu"), deadline=3).base_url == "https://api.monite.com/v1"


def test_store_keys_are_one_text_or_several_and_the_client_secret_opens_too():
    one, two = "the-first-key-of-them", "the-second-key-of-them"
    for given_as in (f"{one}, {two}", [one, two], (Secret(one), two)):
        made = settings(store_keys=given_as)
        assert made.sealing_keys == (Secret(one), Secret(two), Secret(SECRET))
        assert one not in repr(made)
    assert settings().sealing_keys == (Secret(SECRET),)


def test_a_store_url_is_not_printed_since_it_may_hold_a_password():
    assert "hunter2" not in repr(settings(store_url="redis://:hunter2@localhost"))


def test_from_env_reads_the_documented_names():
    made = Settings.from_env(
        {
            "MONITE_CLIENT_ID": CLIENT_ID.upper(),
            "MONITE_CLIENT_SECRET": SECRET,
            "MONITE_ENVIRONMENT": "eu",
            "MONITE_API_VERSION": "2025-01-01",
            "MONITE_TOKEN_SCOPE": "session",
            "MONITE_STORE_URL": "memory://",
            "MONITE_REQUESTS_PER_SECOND": "12.5",
            "MONITE_WEBHOOK_SECRET": "not ours",
            "MONITE_BASE_URL": "",
        },
        deadline=3,
    )
    assert made.client_id == CLIENT_ID
    assert made.base_url == "https://api.monite.com/v1"
    assert (made.api_version, made.token_scope) == ("2025-01-01", "session")
    assert (made.requests_per_second, made.deadline) == (12.5, 3)


def test_from_env_reads_the_process_by_default(monkeypatch):
    monkeypatch.setenv("MONITE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", SECRET)
    assert Settings.from_env().client_id == CLIENT_ID


def test_an_empty_environment_says_which_variables_are_missing():
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({})
    assert caught.value.problems == (
        "MONITE_CLIENT_ID is missing: copy it from API keys in Monite's partner portal.",
        "MONITE_CLIENT_SECRET is empty: set it to the secret that was shown with the client ID.",
    )


FINE = {"MONITE_CLIENT_ID": CLIENT_ID, "MONITE_CLIENT_SECRET": SECRET}


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"MONITE_ENVIRONMENT": "eu", "MONITE_BASE_URL": "https://x.example"},
            "MONITE_ENVIRONMENT and MONITE_BASE_URL are both set: leave one out.",
        ),
        (
            {"MONITE_CLIENT_SECRET_FILE": "/a/file"},
            "MONITE_CLIENT_SECRET and MONITE_CLIENT_SECRET_FILE are both set: leave one out.",
        ),
        (
            {"MONITE_ENVIRONMENT": "mars"},
            "MONITE_ENVIRONMENT 'mars' is unknown: use one of sandbox, eu, us, or set MONITE_BASE_URL.",
        ),
        (
            {"MONITE_ACCOUNT": "a\nb"},
            "MONITE_ACCOUNT has control characters in it: it is the client ID that the account had first.",
        ),
        (
            {"MONITE_STORE_KEYS_FILE": "/no/such/file"},
            "MONITE_STORE_KEYS_FILE names a file that cannot be read",
        ),
        ({"MONITE_STORE_URL": "sqlite"}, "MONITE_STORE_URL begins with memory://"),
        ({"MONITE_REQUIRE_SESSIONS": "perhaps"}, "MONITE_REQUIRE_SESSIONS is true or false, not 'perhaps'."),
        ({"MONITE_API_VERSION": "soon"}, "MONITE_API_VERSION is a date"),
    ],
)
def test_problems_of_the_environment_bear_the_names_of_its_variables(environ, says):
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env(FINE | environ)
    (problem,) = caught.value.problems
    assert problem.startswith(says)


def test_problems_of_an_argument_bear_its_own_name():
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env(FINE | {"MONITE_LEASE": "long"}, deadline=-1)
    assert [each.split()[0] for each in caught.value.problems] == ["deadline", "MONITE_LEASE"]


def test_a_number_that_cannot_be_read_is_named():
    with pytest.raises(ConfigurationError, match="MONITE_DEADLINE is a number of seconds, not 'fast'"):
        Settings.from_env(
            {"MONITE_CLIENT_ID": CLIENT_ID, "MONITE_CLIENT_SECRET": SECRET, "MONITE_DEADLINE": "fast"}
        )


@pytest.mark.parametrize(
    "url", ["https://api.monite.com/v1/", "https://API.Monite.com/v1", "https://api.monite.com:443/v1"]
)
def test_an_account_is_the_same_however_its_origin_is_written(url):
    assert settings(base_url=url).account_name == settings(environment="eu").account_name


@pytest.mark.parametrize(
    "written", ["0F7E1A52-6C1D-4B0E-9A53-D0C0FFEE0001", " 0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001 "]
)
def test_a_client_id_names_the_same_account_however_it_is_written(written):
    plain = settings(account="0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001")
    assert settings(account=written).account_name == plain.account_name


def test_another_port_is_another_account():
    assert (
        settings(base_url="https://api.monite.com:80/v1").account_name
        != settings(environment="eu").account_name
    )
