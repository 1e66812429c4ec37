"""The cases of schemathesis: positive and negative ones for every operation, and chains of operations."""

import sys
from collections.abc import Sequence
from typing import Any

import schemathesis
from schemathesis.engine import events, from_schema

from monite_auth.emulator import Emulator
from tests.conformance.callers import Caller, fresh_token
from tests.conformance.document import FRESH_TOKEN
from tests.conformance.findings import Finding
from tests.conformance.report import Report

NOBODY = "00000000-0000-4000-8000-000000000000"
#: A chain of operations is worth more than a single random case.
CHAINS = 10


def run(
    document: dict[str, Any],
    emulator: Emulator,
    caller: Caller,
    report: Report,
    *,
    phases: Sequence[str],
    examples: int,
    seed: int,
) -> None:
    """Send the cases of one caller, and report what the checks say about the answers."""

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        if case.method.upper() not in {"GET", "OPTIONS"}:
            for name, value in (case.path_parameters or {}).items():
                if value in caller.kept:
                    case.path_parameters[name] = NOBODY
        if isinstance(case.body, dict) and case.body.get("token") == FRESH_TOKEN:
            case.body["token"] = fresh_token(emulator)

    generation = {"max-examples": examples, "no-shrink": True, "database": "none"}
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "suppress-health-check": ["all"],
            "base-url": emulator.api_url,
            "headers": {"Authorization": f"Bearer {caller.token}"},
            "workers": 1,
            # Nothing is wrong about a machine that is busy.
            "request-timeout": 120,
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
    for event in from_schema(schemathesis.openapi.from_dict(document, config=config)).execute():
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
                )
            report.checked(node.name, finding)
