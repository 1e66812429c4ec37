"""Every path and method of the document: 405 with a complete Allow, or 501 with the operation's name, or served.

The checks of schemathesis see only the operations that are served.
"""

import re
from typing import Any

import httpx

from tests.conformance.document import Document
from tests.conformance.findings import Finding, curl
from tests.conformance.report import Report
from tests.data.specification import METHODS

ID = "00000000-0000-4000-8000-000000000000"
#: A path's Allow may name them besides the methods of the document: they are HTTP's own.
IMPLICIT = frozenset({"HEAD", "OPTIONS"})
UNSERVED = "not served by this emulator"


def run(document: Document, client: httpx.Client, caller: str, report: Report) -> None:
    """Send every method to every path of the document, and report those with another answer than they should have."""
    operations = document.operations()
    for path in {path for _, path in operations}:
        for method in METHODS:
            if (method, path) not in operations:
                _check_unlisted(document, client, caller, report, method, path)
    for (method, path), operation in operations.items():
        if (method, path) not in document.served:
            _check_unserved(client, caller, report, f"{method} {path}", operation)


def _check_unlisted(
    document: Document, client: httpx.Client, caller: str, report: Report, method: str, path: str
) -> None:
    listed = document.methods(path)
    answer = client.request(method, _filled(path))
    report.cases[f"methods as {caller}"] += 1
    allowed = frozenset(re.findall(r"[A-Z]+", answer.headers.get("allow", "")))
    if answer.status_code != 405:
        message = f"The document has no such method; 405 is due, not {answer.status_code} {answer.text}"
    elif allowed - IMPLICIT != listed:
        message = f"Allow: {', '.join(sorted(allowed))}, and the document has {', '.join(sorted(listed))}"
    else:
        message = ""
    _report(report, "unlisted_method", f"{method} {path}", caller, answer, message)


def _check_unserved(
    client: httpx.Client, caller: str, report: Report, name: str, operation: dict[str, Any]
) -> None:
    method, path = name.split(" ")
    for whose, authorization in ((caller, None), ("nobody", ""), ("a dead token", "Bearer dead")):
        headers = {} if authorization is None else {"authorization": authorization}
        answer = client.request(method, _filled(path), headers=headers)
        report.cases[f"methods as {caller}"] += 1
        said = _sentence(answer)
        if answer.status_code != 501:
            message = f"It is not served; 501 is due, not {answer.status_code} {answer.text[:200]}"
        elif UNSERVED not in said or not (operation["operationId"] in said or name in said):
            message = f"It says {said!r}, and neither {operation['operationId']} nor {name} and {UNSERVED!r}"
        else:
            message = ""
        _report(report, "unserved_operation", name, whose, answer, message)


def _sentence(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return ""


def _report(
    report: Report, check: str, operation: str, caller: str, answer: httpx.Response, message: str
) -> None:
    finding = Finding(check, operation, caller, answer.status_code, message, curl(answer.request))
    report.checked(check, finding if message else None)


def _filled(path: str) -> str:
    return re.sub(r"\{\w+\}", ID, path)
