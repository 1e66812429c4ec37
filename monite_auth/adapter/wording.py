"""The words of errors that every adapter has to say, so that all of them say the same."""

from monite_auth.errors import ConfigurationError, NotLoggedIn

__all__ = ["missing_framework", "nobody_logged_in", "same_session_after_login"]


def nobody_logged_in() -> NotLoggedIn:
    """Return the error for an anonymous visitor where a guard wants somebody."""
    return NotLoggedIn("Nobody is logged in, and this needs somebody.")


def same_session_after_login(identify: str, instead: str) -> ConfigurationError:
    """Return the error for an `identify` of the app's own that names the same session before and after a login.

    `identify`: how the app has set it, such as `MONITE_AUTH["IDENTIFY"]`; `instead`: the adapter's own function.
    """
    return ConfigurationError(
        f"{identify} names the same session after the login as before, and what ended then would end the new one: let it "
        f"name a new session_id for each login, or use {instead}."
    )


def missing_framework(package: str, framework: str, install: str, error: ImportError) -> ImportError:
    """Return the error for an adapter whose framework is not installed; `install`: what pip is to install."""
    return ImportError(
        f"{package} needs {framework}; install it with: pip install {install}", name=error.name
    )
