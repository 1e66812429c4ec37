"""The long form: `python -m tests.chaos --seconds 600 --store redis --seed 7`. It ends with 1 on a violation."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.experiment import run_experiment
from tests.chaos.profile import SHORT, long
from tests.chaos.stores import STORES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--store", choices=sorted(STORES), default="redis")
    parser.add_argument(
        "--seconds", type=float, help="how long faults are injected; without it, the short form"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--token-scope", choices=("user", "session"), default="user")
    parser.add_argument("--folder", type=Path, help="where the event logs go: an empty folder")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    profile = SHORT if options.seconds is None else long(options.seconds)
    say(f"chaos over {options.store}, seed {options.seed}, event logs in {folder}")
    report = run_experiment(options.store, options.seed, profile, folder, token_scope=options.token_scope)
    for line in report.lines():
        say(line)
    return 1 if report.wrong else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
