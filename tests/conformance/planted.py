"""The engine finds each kind of fault that somebody plants in a small server, and nothing where nobody did.

Only `make conformance` installs schemathesis. It runs these tests by their file's name, before it judges the emulator.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.conformance import engine
from tests.conformance.callers import Caller
from tests.conformance.report import Report

Answer = tuple[int, Any, dict[str, str]]
TITLE = {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z]+$"}
NOTE = {
    "type": "object",
    "properties": {"title": TITLE},
    "required": ["title"],
    "additionalProperties": False,
}
REFUSAL = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
METHODS = ("GET", "POST")


def content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "", "content": {"application/json": {"schema": schema}}}


def operation(**more: Any) -> dict[str, Any]:
    refused = {str(status): content(REFUSAL) for status in (400, 401, 405, 422)}
    return {"security": [{"HTTPBearer": []}], "responses": {"200": content(NOTE), **refused}, **more}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Notes", "version": "1"},
    "paths": {
        "/notes": {"get": operation(), "post": operation(requestBody={**content(NOTE), "required": True})}
    },
    "components": {"securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "bearer"}}, "schemas": {}},
}


def answer_rightly(method: str, token: str, kind: str, body: bytes) -> Answer:
    """Answer as the document says."""
    if method not in METHODS:
        return 405, {"error": "There is no such method."}, {"Allow": ", ".join(METHODS)}
    if token != "Bearer token":
        return 401, {"error": "This needs a token."}, {"WWW-Authenticate": "Bearer"}
    if method == "GET":
        return 200, {"title": "note"}, {}
    try:
        note = json.loads(body)
    except ValueError:
        note = None
    is_note = isinstance(note, dict) and note.keys() == {"title"} and isinstance(note["title"], str)
    if kind != "application/json" or not is_note or not re.fullmatch("[a-z]{1,9}", note["title"]):
        return 422, {"error": "This is no note."}, {}
    return 200, note, {}


@contextmanager
def served(answer: Callable[[str, str, str, bytes], Answer]) -> Iterator[Any]:
    """Serve the answers, as an emulator without a state."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        token, kind = environ.get("HTTP_AUTHORIZATION", ""), environ.get("CONTENT_TYPE", "")
        status, body, headers = answer(environ["REQUEST_METHOD"], token, kind, sent)
        start_response(
            f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json"), *headers.items()]
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [json.dumps(body).encode()]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state = SimpleNamespace(snapshot=dict, restore=lambda snapshot: None)
    try:
        yield SimpleNamespace(api_url=f"http://127.0.0.1:{server.server_port}", monite=state)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def judged(answer: Callable[[str, str, str, bytes], Answer]) -> Report:
    operations = frozenset((method, "/notes") for method in METHODS)
    report = Report(frozenset(map(" ".join, operations)))
    document: Any = SimpleNamespace(narrowed=lambda known, fields: DOCUMENT)
    with served(answer) as emulator:
        engine.run(
            document,
            {},
            {},
            emulator,
            Caller("partner", "token"),
            report,
            operations=operations,
            phases=("coverage", "fuzzing"),
            examples=5,
            seed=1,
        )
    return report


def answer_with_a_crash(*asked: Any) -> Answer:
    status, body, headers = answer_rightly(*asked)
    return (500 if status == 422 else status), body, headers


def answer_with_another_status(*asked: Any) -> Answer:
    status, body, headers = answer_rightly(*asked)
    return (202 if status == 200 else status), body, headers


def answer_with_another_shape(*asked: Any) -> Answer:
    status, body, headers = answer_rightly(*asked)
    return status, {"titel": body["title"]} if status == 200 else body, headers


def answer_whatever_is_sent(method: str, token: str, kind: str, body: bytes) -> Answer:
    status, refusal, headers = answer_rightly(method, token, kind, body)
    return (200, {"title": "note"}, {}) if status == 422 else (status, refusal, headers)


def refuse_what_is_valid(*asked: Any) -> Answer:
    status, body, headers = answer_rightly(*asked)
    return (400, {"error": "No."}, {}) if asked[0] == "POST" and status == 200 else (status, body, headers)


def answer_without_allow(*asked: Any) -> Answer:
    status, body, _ = answer_rightly(*asked)
    return status, body, {}


def answer_without_a_token(method: str, token: str, kind: str, body: bytes) -> Answer:
    return answer_rightly(method, "Bearer token", kind, body)


def test_a_server_that_does_what_its_document_says_passes():
    report = judged(answer_rightly)
    assert report.is_good, "\n".join(report.lines())


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        (answer_with_a_crash, "not_a_server_error"),
        (answer_with_another_status, "status_code_conformance"),
        (answer_with_another_shape, "response_schema_conformance"),
        (answer_whatever_is_sent, "negative_data_rejection"),
        (refuse_what_is_valid, "positive_data_acceptance"),
        (answer_without_allow, "unsupported_method"),
        (answer_without_a_token, "ignored_auth"),
    ],
)
def test_a_planted_fault_is_found(answer, check):
    report = judged(answer)
    assert not report.is_good
    assert check in {each.check for each in report.unknown}
