"""The pages that the example apps share: their templates, and the format of amounts, dates and tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from examples.shared.people import ORGANIZATIONS, PEOPLE
from monite_auth import AccessToken

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"
REACT = STATIC / "react" / "office.js"
"""The script of the office page. It is built by `make react`, and not in the repository."""

SYMBOLS = {"EUR": "€", "GBP": "£"}
CLOSED = {"paid", "canceled", "rejected"}


def money(minor_units: int, currency: str) -> str:
    """Format an amount in minor units: 48630 becomes "€486.30" or "CHF 486.30"."""
    return f"{SYMBOLS.get(currency, f'{currency} ')}{minor_units / 100:,.2f}"


def day(iso_date: str) -> str:
    """Format an ISO date: "2026-03-01" becomes "1 Mar 2026"."""
    moment = date.fromisoformat(iso_date)
    return f"{moment.day} {moment:%b %Y}"


def is_open(invoice: Mapping[str, Any]) -> bool:
    """Return whether a payable still has to be paid."""
    return invoice["status"] not in CLOSED


def is_overdue(invoice: Mapping[str, Any]) -> bool:
    """Return whether a payable is unpaid after its due date."""
    due = invoice.get("due_date")
    return is_open(invoice) and due is not None and date.fromisoformat(due) < date.today()  # noqa: DTZ011 - due dates follow the local calendar


@dataclass(frozen=True, slots=True)
class TokenCard:
    """The facts about a token that a page shows. Times are seconds from now."""

    last4: str
    left: float
    life: float
    renewal_in: float

    @classmethod
    def of(cls, token: AccessToken) -> "TokenCard":
        left = token.expires_in
        return cls(token.value.reveal()[-4:], left, token.life, left - (token.expires_at - token.renew_at))


def frame(user_id: str, organization: str) -> dict[str, Any]:
    """Return the data of the page header: the person, the active organization, and the organizations to switch to."""
    person = PEOPLE.get(user_id)
    if person is None:
        return {}
    return {
        "person": person,
        "active": organization,
        "organization": ORGANIZATIONS.get(organization),
        "organizations": {each: ORGANIZATIONS[each].name for each in person.works_for},
    }


def environment() -> Environment:
    """Return the Jinja environment of the templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=ChainableUndefined,  # Monite omits fields without a value
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"money": money, "day": day}
    made.globals["react_is_built"] = REACT.exists
    made.tests |= {"open": is_open, "overdue": is_overdue}
    return made


def local_monite(base_url: str) -> str | None:
    """Return the address of the local Monite's page, or None if the app uses another Monite."""
    url = urlsplit(base_url)
    return f"{url.scheme}://{url.netloc}/" if url.hostname in {"localhost", "127.0.0.1", "::1"} else None
