"""Judge the emulator by Monite's OpenAPI document: `python -m tests.conformance PATH`. It ends with 1 on a failure."""

import argparse
import sys
from functools import partial
from pathlib import Path

from monite_auth.emulator import Emulator, Monite, serve
from tests.conformance import callers, engine, methods, queries
from tests.conformance.document import Document
from tests.conformance.report import Report

#: Nobody is throttled in a run, and no token expires.
UNLIMITED = 10_000_000
#: What every caller does. Coverage, of the borders of all values, is long: only those do it whom an operation lets in.
RANDOM = ("examples", "fuzzing", "stateful")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("document", type=Path, help="Monite's OpenAPI document")
    parser.add_argument("--examples", type=int, default=5, help="random cases for each operation and caller")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="operations whose name contains this, as in /payables")
    options = parser.parse_args()
    document = Document(options.document, options.only)
    report = Report(frozenset(map(" ".join, document.chosen)))
    monite = Monite(requests_per_second=UNLIMITED, token_life=UNLIMITED, random_seed=options.seed)
    with serve(monite) as emulator:
        judge(emulator, document, report, examples=options.examples, seed=options.seed)
    for line in report.lines():
        sys.stdout.write(line + "\n")
    return 0 if report.is_good else 1


def judge(emulator: Emulator, document: Document, report: Report, *, examples: int, seed: int) -> None:
    """Send everything, first as the partner, then to an emulator that has begun anew as an entity user."""
    everything = document.chosen
    partner = callers.partner(emulator)
    with partner.client(emulator) as client:
        if everything == document.served:
            methods.run(document, client, partner.name, report)
        queries.run(document, client, partner.name, report)
    send = partial(engine.run, emulator=emulator, report=report, examples=examples, seed=seed)
    send(document.of(everything), caller=partner, phases=("coverage", *RANDOM))
    emulator.monite.reset()
    user = callers.user(emulator)
    with user.client(emulator) as client:
        queries.run(document, client, user.name, report)
    if refused := frozenset(each for each in everything if " ".join(each) in report.never_succeeded):
        send(document.of(refused), caller=user, phases=("coverage",))
    send(document.of(everything), caller=user, phases=RANDOM)


if __name__ == "__main__":
    sys.exit(main())
