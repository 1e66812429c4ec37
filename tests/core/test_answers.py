"""What becomes an answer, and what is left in the log of it."""

import asyncio
import logging

import httpx
import httpx2
import pytest

from monite_auth.adapter.answers import error_behind, forward
from monite_auth.adapter.error_log import ErrorLog
from monite_auth.errors import (
    ConfigurationError,
    MoniteUnavailable,
    NotLinked,
    NotLoggedIn,
    SessionEnded,
    StoreUnavailable,
)

# -- the log


def test_each_kind_of_error_is_written_once_a_minute_with_how_many_there_were(caplog):
    now = 0.0
    errors = ErrorLog(clock=lambda: now)
    for _ in range(5):
        errors.write(StoreUnavailable("down"))
        errors.write(NotLinked("link them"))
    now = 61.0
    errors.write(StoreUnavailable("still down"))
    lines = [(each.levelno, each.getMessage()) for each in caplog.records]
    assert lines == [
        (logging.ERROR, "A request was answered with 503: down"),
        (logging.WARNING, "A request was answered with 403: link them"),
        (
            logging.ERROR,
            "A request was answered with 503: still down (4 more of this kind since the last line about it)",
        ),
    ]


def test_what_end_users_do_themselves_is_no_news(caplog):
    ErrorLog().write(NotLoggedIn("nobody"))
    ErrorLog().write(SessionEnded("over"))
    assert not caplog.records


# -- the error behind an exception


def test_a_group_that_holds_only_ours_is_ours(emulated):
    ours = SessionEnded("over")
    assert error_behind(ours, emulated) is ours
    assert error_behind(ExceptionGroup("g", [ExceptionGroup("h", [ours]), NotLinked("x")]), emulated) is ours
    assert error_behind(ExceptionGroup("g", [ours, ValueError()]), emulated) is None
    assert error_behind(BaseExceptionGroup("g", [ours, asyncio.CancelledError()]), emulated) is None
    assert error_behind(ValueError(), emulated) is None
    assert error_behind(ConfigurationError("x"), emulated) is not None


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_call_to_monite_that_breaks_is_a_503_and_others_are_the_apps_matter(emulated, library):
    for kind in (library.ConnectError, library.ReadTimeout, library.RemoteProtocolError):
        error = kind("secret", request=library.Request("GET", emulated.base_url + "/payables"))
        found = error_behind(error, emulated)
        assert isinstance(found, MoniteUnavailable)
        assert found.__cause__ is None
        assert "secret" not in str(found)
        elsewhere = kind("x", request=library.Request("GET", "https://elsewhere.example/"))
        assert error_behind(elsewhere, emulated) is None
        assert error_behind(kind("x"), emulated) is None


# -- Monite's answers, passed on


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_monites_answer_is_passed_on_with_its_status_and_what_belongs_to_its_content(library):
    headers = {
        "content-type": "application/json",
        "x-request-id": "abc",
        "set-cookie": "a=b",
        "cache-control": "public",
        "content-encoding": "identity",
    }
    answer = forward(library.Response(409, headers=headers, content=b'{"a": 1}'))
    assert (answer.status, answer.body) == (409, b'{"a": 1}')
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"] == "abc"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert not {"Set-Cookie", "Content-Encoding"} & answer.headers.keys()


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_file_of_monites_keeps_its_name_whatever_letters_that_has(library):
    sent = 'attachment; filename="Größe in €.pdf"'.encode()
    answer = forward(library.Response(200, headers=[(b"Content-Disposition", sent)], content=b"%PDF"))
    assert (
        answer.headers["Content-Disposition"].encode("latin-1") == sent
    )  # as WSGI and ASGI servers write it


def test_monites_401_does_not_tell_the_user_to_log_in():
    assert forward(httpx.Response(401, json={})).status == 502
