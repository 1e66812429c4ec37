"""Judge the emulator by Monite's OpenAPI document: `python -m tests.conformance PATH`. It ends with 1 on a failure."""

import argparse
import sys
from functools import partial
from pathlib import Path

from monite_auth.emulator import Emulator, serve
from tests.conformance import callers, engine, methods, paths, queries
from tests.conformance.document import Document
from tests.conformance.report import Report
from tests.conformance.world import World, monite

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
    with serve(monite(options.seed)) as emulator:
        judge(emulator, document, report, examples=options.examples, seed=options.seed)
    for line in report.lines():
        sys.stdout.write(line + "\n")
    return 0 if report.is_good else 1


def judge(emulator: Emulator, document: Document, report: Report, *, examples: int, seed: int) -> None:
    """Send everything, first as the partner and then as an entity user."""
    everything = document.chosen
    send = partial(engine.run, document, emulator=emulator, report=report, examples=examples, seed=seed)
    partner = callers.partner(emulator)
    with partner.client(emulator) as client:
        world = World(emulator, client)
        world.build()
        known = paths.known(document, client)
        if everything == document.served:
            methods.run(document, client, partner.name, report)
        queries.run(document, client, partner.name, report)
    user = callers.user(emulator)
    with user.client(emulator) as client:
        queries.run(document, client, user.name, report)
    send(known, world.fields, caller=partner, operations=everything, phases=("coverage", *RANDOM))
    if refused := frozenset(each for each in everything if " ".join(each) in report.never_succeeded):
        send(known, world.fields, caller=user, operations=refused, phases=("coverage",))
    send(known, world.fields, caller=user, operations=everything, phases=RANDOM)


if __name__ == "__main__":
    sys.exit(main())
