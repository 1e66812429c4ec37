"""The client secret and the keys of a shared store: how they are read, and read again while the process runs.

Settings do not change, but the files that they name do: a secret is rotated, Kubernetes or Docker replaces the file, and
Monite refuses the former secret from then on. What is wrong with a file is told in words, and never with its content.
"""

import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.tokens import Secret

__all__ = ["Credentials", "parse_keys", "read_keys", "read_secret", "secret_problem"]

log = logging.getLogger("monite_auth")

SHORTEST_KEY = 16
"""Characters of a key that nobody can guess; a client secret is taken as Monite made it."""

LARGEST_FILE = 64 * 1024
"""Bytes; what is larger is no file of secrets."""

Content = TypeVar("Content")


def secret_problem(secret: object, name: str = "client_secret") -> str | None:
    """Return what is wrong with a client secret, or None. It is called by its `name`, and not repeated."""
    if not isinstance(secret, str):
        return f"{name} is text, not {type(secret).__name__}."
    if not secret.strip():
        return f"{name} is empty: set it to the secret that was shown with the client ID."
    if secret != secret.strip() or not secret.isprintable():
        return f"{name} has white space around it or control characters in it: was a line break copied along?"
    return None


@discreet
def parse_keys(given: object, name: str = "store_keys") -> tuple[Secret, ...]:
    """Return the keys of one text, separated by commas, or of a list; raise ConfigurationError."""
    given = given.reveal() if isinstance(given, Secret) else given
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(each, str | Secret) for each in parts):
        raise ConfigurationError(f"{name} is text, keys separated by commas, or a list of texts.")
    texts = [(each.reveal() if isinstance(each, Secret) else each).strip() for each in parts]
    keys = tuple(Secret(text) for text in texts if text)
    if any(len(key.reveal()) < SHORTEST_KEY for key in keys):
        raise ConfigurationError(
            f"{name} has a key of fewer than {SHORTEST_KEY} characters: make one with "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'."
        )
    return keys


@discreet
def read_secret(path: str | Path) -> Secret:
    """Return the client secret of a file, without the line break at its end; raise ConfigurationError."""
    text = _text_of(path, "client_secret_file")
    secret = text.removesuffix("\n").removesuffix("\r")
    problem = secret_problem(secret, "client_secret_file")
    if problem:
        raise ConfigurationError(problem)
    return Secret(secret)


@discreet
def read_keys(path: str | Path) -> tuple[Secret, ...]:
    """Return the keys of a file, one on each line or separated by commas; raise ConfigurationError.

    Lines that begin with `#` are comments.
    """
    lines = [line.strip() for line in _text_of(path, "store_keys_file").splitlines()]
    lines = [line for line in lines if not line.startswith("#")]
    if any(
        " #" in line or "\t#" in line for line in lines
    ):  # who takes such a comment out, would change the key
        raise ConfigurationError(
            "store_keys_file has a comment behind a key: write it on a line of its own, which begins with #."
        )
    keys = parse_keys(",".join(lines), "store_keys_file")
    if not keys:
        raise ConfigurationError("store_keys_file has no key in it: write one on each line.")
    return keys


def _text_of(path: str | Path, name: str) -> str:
    """Return what a file says. No error repeats the path: some put the secret itself in its place."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ConfigurationError(
                f"{name} names a file of more than {LARGEST_FILE // 1024} KB: it is another one."
            )
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} names a file that is no text in UTF-8.") from None
    except (OSError, ValueError, TypeError) as error:  # ValueError: a path with a null byte
        if isinstance(error, ConfigurationError):
            raise
        why = getattr(error, "strerror", None) or "this is no path"
        raise ConfigurationError(
            f"{name} names a file that cannot be read ({why}): it takes the path of a file, and the process has to be "
            "allowed to read it."
        ) from None


@dataclass(frozen=True, slots=True)
class _Known:
    secret: Secret
    store_keys: tuple[Secret, ...]
    former: tuple[Secret, ...] = ()


class Credentials:
    """What this process uses at the moment: one object per Settings, shared by the brokers that have them.

    There is no lock, since one that is held while a process forks would stay locked in the child: what is known is replaced
    as a whole, and two threads that read a file at once find the same.
    """

    def __init__(
        self, secret: Secret, store_keys: tuple[Secret, ...], *, secret_file: str = "", keys_file: str = ""
    ) -> None:
        self._known = _Known(secret, store_keys)
        # As absolute paths: daemons change their directory.
        self._secret_file = Path(secret_file).absolute() if secret_file else None
        self._keys_file = Path(keys_file).absolute() if keys_file else None
        self._listeners: list[weakref.WeakMethod[Callable[[], None]]] = []

    def __repr__(self) -> str:
        return "<Credentials>"

    @property
    def secret(self) -> Secret:
        """The client secret."""
        return self._known.secret

    @property
    def sealing_keys(self) -> tuple[Secret, ...]:
        """The keys of a shared store: the first seals, all open."""
        return (*self._known.store_keys, self._known.secret)

    def call_on_change(self, method: Callable[[], None]) -> None:
        """Have the bound `method` called whenever the secret or the keys have changed, as long as its object lives."""
        alive = [each for each in self._listeners if each() is not None]
        self._listeners = [*alive, weakref.WeakMethod(method)]

    def pin_secret(self) -> None:
        """Keep to the secret that has been read.

        For http in a private network: what is the emulator's own demo secret now may be a real one in the file tomorrow.
        """
        self._secret_file = None

    def opening_keys(self) -> tuple[Secret, ...]:
        """Return the keys to open a store's envelope with, read from their file anew: the first wraps, all open.

        The last ones are what this process has used before a rotation: the envelope may not be wrapped by the new ones yet.
        """
        self._read(secret_too=False)
        return (*self.sealing_keys, *self._known.former)

    def look_again(self, opens: Callable[[Secret], bool]) -> bool:
        """Read the secret's file since a store's envelope opens with no key that is known; say whether what it has does.

        Another process of the same rotation has read the new secret already, and taken the former one out of the envelope.
        A secret that does not open the envelope is not taken: Monite may not know it yet.
        """
        secret = _again(read_secret, self._secret_file)
        if secret is None or secret == self.secret or not opens(secret):
            return False
        self._take(secret, None)
        log.info(
            "The token store is sealed with another client secret, which MONITE_CLIENT_SECRET_FILE has by now: it is used from "
            "here on."
        )
        return True

    def reload(self, refused: Secret) -> bool:
        """Read the files again, since Monite has refused a secret; say whether there is another one to try.

        Of many that are refused at once only the first reads: the others find the secret changed already.
        """
        if self.secret == refused:
            self._read(secret_too=True)
            if self.secret != refused:
                log.info(
                    "Monite refuses the client secret, and MONITE_CLIENT_SECRET_FILE has another one by now: it is used from "
                    "here on."
                )
        return self.secret != refused

    def _read(self, *, secret_too: bool) -> None:
        secret = _again(read_secret, self._secret_file) if secret_too else None
        self._take(secret, _again(read_keys, self._keys_file))

    def _take(self, secret: Secret | None, keys: tuple[Secret, ...] | None) -> None:
        """Have what was read in force from here on; None: what is known stays."""
        known = self._known  # only now: another thread may have read meanwhile
        secret, keys = secret or known.secret, keys or known.store_keys
        if (secret, keys) != (known.secret, known.store_keys):
            before = dict.fromkeys((*known.store_keys, known.secret, *known.former))
            former = tuple(key for key in before if key not in (*keys, secret))
            self._known = _Known(secret, keys, former)
            for listener in self._listeners:
                if (living := listener()) is not None:
                    living()


def _again(read: Callable[[Path], Content], path: Path | None) -> Content | None:
    """Read a file once more; None where it cannot be read now, so that what is known stays."""
    if path is None or _is_pipe(path):
        return None
    try:
        return read(path)
    except ConfigurationError as error:
        log.warning("A secret cannot be read again, and the former one is used: %s", error.problems[0])
        return None


def _is_pipe(path: Path) -> bool:
    """Say whether a path is no regular file: a pipe has been read to its end at start-up, and would block now."""
    try:
        return path.exists() and not path.is_file()
    except OSError:  # to read it says so
        return False
