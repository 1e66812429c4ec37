"""What the contracts need before they are imported: pytest."""

import importlib.util

__all__ = ["require_pytest"]


def require_pytest() -> None:
    """Check that pytest is there.

    Raises:
        ImportError: it is not installed.

    """
    if importlib.util.find_spec("pytest") is None:
        raise ImportError(
            "The contracts of monite_auth.testing need pytest: pip install 'monite-auth[testing]'."
        )
