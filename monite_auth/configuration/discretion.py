"""Errors that leave without the secrets in their frames.

Error collectors (Sentry, rich, Django's and Werkzeug's debug pages) show the locals of every frame of an exception. Where
settings are read, those frames hold the client secret, the store's password and keys, or the whole environment. Masked values
do not help there: before a value can be masked, it is plain text in some frame.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

__all__ = ["discreet"]

Given = ParamSpec("Given")
Result = TypeVar("Result")


def discreet(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Raise the errors of `function` from a frame that holds nothing: without its frames, arguments, causes and contexts.

    It is for functions that take or read secrets, and whose errors say everything in their text. Their callers should not keep
    the secret in a local either.
    """

    @wraps(function)
    def guarded(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - it is raised below
            bare = error.with_traceback(None)
            bare.__cause__ = bare.__context__ = None
        del args, kwargs
        try:
            raise bare
        finally:
            # An exception that its own traceback refers to would live until the next garbage collection.
            del bare

    return guarded
