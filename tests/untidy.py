"""Tests that leave event loops behind, as some applications do."""

import gc
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

__all__ = ["untidy"]

COMPLAINTS = ("ignore::ResourceWarning", "ignore:coroutine .* was never awaited:RuntimeWarning")


def untidy(test: Callable[..., None]) -> Callable[..., None]:
    """Ignore what Python and the libraries complain of where nobody shuts loops down: pytest would keep it, and with it the loop."""

    @wraps(test)
    def ignoring(*arguments: Any, **named: Any) -> None:
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            test(*arguments, **named)
        finally:
            gc.collect()  # what was left complains now, and not in another test
            sys.unraisablehook = hook

    for each in COMPLAINTS:
        ignoring = pytest.mark.filterwarnings(each)(ignoring)
    return ignoring
