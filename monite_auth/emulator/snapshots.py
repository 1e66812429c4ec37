"""The state as JSON: what there is, whose it is, every token, the time. It has the secrets, since it is to be brought back.

What tells of the past is not in it: the log, the statistics, the feed; nor are the faults.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monite_auth.emulator.monite import Monite

#: The form of a snapshot. Another version of the emulator refuses one of another form.
FORMAT = "monite-emulator/1"


def taken(monite: "Monite") -> dict[str, Any]:
    """Return the state of an emulator."""
    with monite.lock:
        return {
            **settings(monite),
            "partners": [
                {
                    "credentials": {name: [*secrets] for name, secrets in partner.credentials.items()},
                    "records": [[name, record.saved()] for name, record in partner.directory.saved()],
                }
                for partner in monite.partners
            ],
            "tokens": [token.saved() for token in monite.ledger.tokens],
        }


def settings(monite: "Monite") -> dict[str, Any]:
    """Return what is small: the settings, the time, and how much was drawn and minted."""
    return {
        "format": FORMAT,
        "token_life": monite.token_life,
        "requests_per_second": monite.requests_per_second,
        "limit_window": monite.limit_window,
        "dead_token_status": monite.dead_token_status,
        "clock": monite.clock.state,
        "randomness": monite.randomness.state,
        "tally": monite.ledger.tally,
    }


def bring_back(monite: "Monite", snapshot: Mapping[str, Any]) -> None:
    """Give an emulator the state of a snapshot.

    Raises:
        ValueError: this is no snapshot. Then a part of the state may be changed.

    """
    found = snapshot.get("format")
    if found != FORMAT:
        raise ValueError(
            f"a snapshot of this version of the emulator says {FORMAT!r} in 'format', not {found!r}"
        )
    try:
        monite.token_life = int(snapshot["token_life"])
        monite.requests_per_second = int(snapshot["requests_per_second"])
        monite.limit_window = snapshot["limit_window"]
        monite.dead_token_status = int(snapshot["dead_token_status"])
        monite.clock.restore(snapshot["clock"])
        monite.randomness.restore(snapshot["randomness"])
        for saved in snapshot["partners"]:
            partner = monite.new_partner()
            for client_id, secrets in saved["credentials"].items():
                monite.set_credentials(client_id, secrets, partner)
            for name, record in saved["records"]:
                partner.directory.table(name).restore(record)
        if not monite.partners:
            raise ValueError("there is no partner in it")
        monite.ledger.restore(snapshot["tally"], snapshot["tokens"])
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no whole snapshot: {type(error).__name__} {error}") from None
