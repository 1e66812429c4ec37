"""The commands that an adapter offers, of no command line: `monite-auth`, `flask monite` and `manage.py` print what they yield.

| command | arguments | does |
|---|---|---|
| `check` | `--user`, `--tenant` | checks the settings, the store and the credentials; with a user, their link and their token |
| `drain` | `--within` | revokes what is pending |
| `end-user` | `USER` | ends every session of a user, and revokes their tokens |

A command line says where the broker comes from, prints each sentence, and prints an error's text to stderr: it exits with 1
for a MoniteAuthError, and with 2 for WrongArguments.
"""

from collections.abc import Iterator

from monite_auth.adapter.setup_check import check_setup, check_user
from monite_auth.broker import TokenBroker
from monite_auth.errors import ConfigurationError

__all__ = ["HELP", "WITHIN", "WrongArguments", "check", "drain", "end_user"]

WITHIN = 60.0
"""Seconds that `drain` works by default: a job of cron may take a minute."""

HELP = {
    "check": "Check the settings, that the store answers, and that Monite accepts the credentials.",
    "check --user": "Get a token for this user, too, and ask Monite who they are.",
    "check --tenant": "The user's organization, where they have several.",
    "drain": "Revoke the tokens of ended sessions that are still pending; for cron, where no process has the time.",
    "drain --within": "How many seconds to work on it, at the most.",
    "end-user": "End every session of a user in Monite, and revoke their tokens; they have to log in again.",
}
"""What each command line says of the commands and their options."""


class WrongArguments(ValueError):
    """The arguments of a command do not fit together."""


def check(broker: TokenBroker, *, user_id: str | None = None, tenant: str | None = None) -> Iterator[str]:
    """Check the setup, and a user's if one is named; yield what is right, and raise what is not.

    Raises WrongArguments, and whatever check_setup and check_user raise.
    """
    if tenant is not None and user_id is None:
        raise WrongArguments("--tenant is about a user: add --user.")
    yield from check_setup(broker)
    if user_id is not None:
        yield from check_user(broker, user_id, tenant)


def drain(broker: TokenBroker, *, within: float = WITHIN) -> Iterator[str]:
    """Work on the pending revocations for `within` seconds at the most; yield what became of them.

    Raises WrongArguments; ConfigurationError where no other process shares the store; StoreUnavailable.
    """
    if not within >= 1:
        raise WrongArguments("--within is a number of seconds, and at least 1.")
    _require_shared_store(broker)
    yield str(broker.drain(within=within))


def end_user(broker: TokenBroker, user_id: str) -> Iterator[str]:
    """End every session of a user, and revoke what Monite lets us revoke before the deadline; yield what became of it.

    Raises ConfigurationError where no other process shares the store; StoreUnavailable where it did not hear of it.
    """
    _require_shared_store(broker)
    broker.end_user(user_id)
    # This process ends in a moment. Closing waits for the revocations in the background, as long as the deadline allows.
    broker.close()
    # Asked last: in an outage an ending is only kept in this process, and must not be reported as done.
    pending = broker.status(user_id).pending
    yield f"Every session of user {user_id} has ended."
    if pending:
        yield f"Revocations still pending: {pending}. The servers go on with them, and so does the command drain."


def _require_shared_store(broker: TokenBroker) -> None:
    """Raise ConfigurationError where this process cannot reach what the servers keep."""
    if not broker.store.is_shared:
        raise ConfigurationError(
            "MONITE_STORE_URL names no shared store, and the memory of other processes cannot be reached from here. Use "
            "sqlite:///… for one host, or redis://… for several."
        )
