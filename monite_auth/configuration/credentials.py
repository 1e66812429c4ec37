"""The client secret and the keys of a shared store: read at the start, and again while the process runs.

Settings do not change, but the files that they name do. When a secret is rotated, Kubernetes or Docker replaces the file, and
Monite refuses the former secret from then on. Errors never quote the content of a file.
"""

import logging
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from monite_auth.configuration.discretion import discreet
from monite_auth.configuration.setting_names import as_set
from monite_auth.errors import ConfigurationError
from monite_auth.tokens import Secret

__all__ = ["SHORTEST_KEY", "Credentials", "parse_keys", "read_keys", "read_secret", "secret_problem"]

log = logging.getLogger("monite_auth")

SHORTEST_KEY = 16
"""Characters of a key: fewer can be guessed. A client secret is taken as Monite made it."""

LARGEST_FILE = 64 * 1024
"""Bytes: a larger file is not a file of secrets."""

Content = TypeVar("Content")


def secret_problem(secret: object, name: str = "client_secret") -> str | None:
    """Return what is wrong with a client secret, or None. The problem has its `name`, and never the secret."""
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
    if any(" #" in line or "\t#" in line for line in lines):  # to cut it off could change the key
        raise ConfigurationError(
            "store_keys_file has a comment behind a key: write it on a line of its own, which begins with #."
        )
    keys = parse_keys(",".join(lines), "store_keys_file")
    if not keys:
        raise ConfigurationError("store_keys_file has no key in it: write one on each line.")
    return keys


def _text_of(path: str | Path, name: str) -> str:
    """Return the content of a file. Errors never repeat the path: some people set the secret itself instead."""
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


class _Known(NamedTuple):
    secret: Secret
    store_keys: tuple[Secret, ...]
    former: tuple[Secret, ...] = ()


class Credentials:
    """The secret and the keys that this process uses at the moment. Brokers that share a Settings share this object.

    There is no lock, because a lock that is held while a process forks stays locked in the child. Instead, the known secrets are
    replaced as a whole; two threads that read a file at once read the same.
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
        """Keep the secret that has been read, and never read its file again.

        For http in a private network: the file has the emulator's demo secret now, and may have a real one tomorrow.
        """
        self._secret_file = None

    def opening_keys(self) -> tuple[Secret, ...]:
        """Read the keys' file again, and return the keys that open a store's envelope: the first wraps, all open.

        The last ones are those that this process used before a rotation: the envelope may not be wrapped by the new ones yet.
        """
        self._read(secret_too=False)
        return (*self.sealing_keys, *self._known.former)

    def look_again(self, opens: Callable[[Secret], bool]) -> bool:
        """Read the secret's file, since no known key opens a store's envelope; return whether the new secret does.

        In a rotation, another process may have read the new secret already and taken the former one out of the envelope. A
        secret that does not open the envelope is not used: Monite may not know it yet.
        """
        secret = _again(read_secret, self._secret_file)
        if secret is None or secret == self.secret or not opens(secret):
            return False
        self._take(secret, None)
        log.info(
            "The token store is sealed with another client secret, which MONITE_CLIENT_SECRET_FILE has by now. This process uses "
            "it from now on."
        )
        return True

    def reload(self, refused: Secret) -> bool:
        """Read the files again, since Monite has refused a secret; return whether there is another one to try.

        Of many requests that are refused at once, only the first reads. The others find that the secret has changed.
        """
        if self.secret == refused:
            self._read(secret_too=True)
            if self.secret != refused:
                log.info(
                    "Monite refuses the client secret, and MONITE_CLIENT_SECRET_FILE has another one by now. This process uses it "
                    "from now on."
                )
        return self.secret != refused

    def _read(self, *, secret_too: bool) -> None:
        secret = _again(read_secret, self._secret_file) if secret_too else None
        self._take(secret, _again(read_keys, self._keys_file))

    def _take(self, secret: Secret | None, keys: tuple[Secret, ...] | None) -> None:
        """Use these secrets from now on; None keeps what is known."""
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
    """Read a file once more; return None where it cannot be read now, so that the known secrets stay."""
    if path is None or _is_pipe(path):
        return None
    try:
        return read(path)
    except ConfigurationError as error:
        problem = as_set(error.problems[0], ("client_secret_file", "store_keys_file"), "MONITE_")
        log.warning("A secret cannot be read again, so the former one is used: %s", problem)
        return None


def _is_pipe(path: Path) -> bool:
    """Return whether a path is no regular file: a pipe was read to its end at start-up, and would block now."""
    try:
        return path.exists() and not path.is_file()
    except OSError:  # reading it will report the problem
        return False
