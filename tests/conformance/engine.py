"""The cases of schemathesis: positive and negative ones for every operation, and chains of operations."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import schemathesis
from schemathesis.engine import events, from_schema
from schemathesis.generation.meta import TestPhase

from monite_auth.emulator import Emulator
from tests.conformance.callers import PATIENCE, Caller, fresh_token
from tests.conformance.document import Document, Known
from tests.conformance.findings import Finding
from tests.conformance.report import Report

NOBODY = "00000000-0000-4000-8000-000000000000"
#: A chain of operations is worth more than a single random case.
CHAINS = 40


def run(
    document: Document,
    known: Known,
    fields: Mapping[str, list[Any]],
    emulator: Emulator,
    caller: Caller,
    report: Report,
    *,
    operations: frozenset[tuple[str, str]],
    phases: Sequence[str],
    examples: int,
    seed: int,
) -> None:
    """Send the cases of one caller, and report what the checks say about the answers.

    The cases of an operation begin with the state that is there now. So one operation does not spoil those of another.
    """
    beginning = emulator.monite.snapshot()
    former = ""

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        nonlocal former
        is_chain = case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL
        label = "chains" if is_chain else case.operation.label
        if label != former:
            emulator.monite.restore(beginning)
            former = label
        ids = case.path_parameters or {}
        for name in caller.spares(case.method.upper(), case.path, ids):
            ids[name] = NOBODY
        # The document cannot say which tokens are live, so every text stands for one.
        if case.path == "/auth/revoke" and isinstance(case.body, dict):
            if isinstance(case.body.get("token"), str):
                case.body["token"] = fresh_token(emulator)

    generation = {"max-examples": examples, "no-shrink": True, "database": "none"}
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "suppress-health-check": ["all"],
            "base-url": emulator.api_url,
            "headers": {"Authorization": f"Bearer {caller.token}"},
            "workers": 1,
            "request-timeout": PATIENCE,
            # A failure does not end the cases of its operation, so that one run sees all kinds of failures.
            "continue-on-failure": True,
            "generation": generation,
            "phases": {
                "examples": {"enabled": "examples" in phases},
                "coverage": {"enabled": "coverage" in phases},
                "fuzzing": {"enabled": "fuzzing" in phases},
                "stateful": {
                    "enabled": "stateful" in phases,
                    "generation": generation | {"max-examples": CHAINS * examples},
                },
            },
            "cache": {"enabled": False},
            "output": {"sanitization": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_dict(document.narrowed(known, fields), config=config)
    chosen = schema.include(
        func=lambda context: (context.operation.method.upper(), context.operation.path) in operations
    )
    for event in from_schema(chosen).execute():
        match event:
            case events.ScenarioFinished():
                _note(event, caller, report)
            case events.PhaseFinished():
                sys.stderr.write(f"{caller.name}: {event.phase.name.value}, {report.cases.total()} cases\n")
            case events.NonFatalError():
                message = f"{event.info.title}: {event.info.message}"
                report.checked("generation", Finding("generation", event.label, caller.name, 0, message, ""))
            case events.FatalError():
                raise event.exception


def _note(event: events.ScenarioFinished, caller: Caller, report: Report) -> None:
    recorder = event.recorder
    part = f"{event.phase.value} as {caller.name}"
    for case_id, interaction in recorder.interactions.items():
        operation = recorder.cases[case_id].value.operation.label
        report.answered(part, operation, interaction.response.status_code if interaction.response else 0)
    for case_id, nodes in recorder.checks.items():
        operation = recorder.cases[case_id].value.operation.label
        response = recorder.interactions[case_id].response
        for node in nodes:
            finding = None
            if node.failure_info:
                finding = Finding(
                    node.name,
                    operation,
                    caller.name,
                    response.status_code if response else 0,
                    node.failure_info.failure.message,
                    node.failure_info.code_sample,
                    response.text_lossy() if response else "",
                )
            report.checked(node.name, finding)
