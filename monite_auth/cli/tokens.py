"""`token` and `whoami`: what a user's requests carry, and what Monite makes of it."""

from typing import Any

import click

from monite_auth.broker import TokenBroker
from monite_auth.cli.administration import Administration
from monite_auth.cli.application import application, job_of
from monite_auth.cli.results import Result
from monite_auth.cli.verb import verb
from monite_auth.identity import PARTNER, Subject

__all__ = ["token", "whoami"]

user_argument = click.argument("user", required=False)
tenant_option = click.option("--tenant", help="The user's organization, where they have several.")


@verb(
    "token",
    "Get the token of a user, or the partner token. It is masked unless --reveal is given.",
)
@user_argument
@tenant_option
@click.option("--reveal", is_flag=True, help="Print the token itself. Whoever reads it may use it.")
@click.option(
    "--min-ttl",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="How long the token has to live, at least.",
)
def token(user: str | None, tenant: str | None, reveal: bool, min_ttl: float) -> Result:
    """Get the token that requests of the user carry now."""
    with application().broker() as broker:
        found = broker.token(_subject(broker, user, tenant), min_ttl=min_ttl)
    who = found.entity_user
    value = found.value.reveal() if reveal else str(found.value)
    data = {
        "token": value,
        "fingerprint": found.fingerprint,
        "expires_in": round(found.expires_in),
        "entity_user_id": who.entity_user_id if who else None,
        "entity_id": who.entity_id if who else None,
    }
    if reveal:  # alone, so that it can be piped
        return Result(data, [value])
    whose = f"of the entity user {who.entity_user_id}" if who else "of the partner"
    return Result(
        data,
        [
            f"A token {whose}, which lives {found.expires_in / 60:.0f} more minutes.",
            f"Its fingerprint is {found.fingerprint}; --reveal prints the token.",
        ],
    )


@verb(
    "whoami",
    "Ask Monite who a user is. It is asked with their own token; without a user, the partner is told.",
)
@user_argument
@tenant_option
def whoami(user: str | None, tenant: str | None) -> Result:
    """Ask Monite for the person, their entity and their role."""
    with application().broker() as broker:
        subject = _subject(broker, user, tenant)
        if subject is PARTNER:
            return _partner(broker)
        me = Administration(broker).person(subject)
    data = {
        "user": user,
        "entity_user_id": me.user.get("id"),
        "login": me.user.get("login"),
        "entity_id": me.entity["id"],
        "entity": me.entity_name,
        "role_id": me.role.get("id"),
        "role": me.role.get("name"),
    }
    person = f"the entity user {data['entity_user_id']}" if me.user else "nobody of their own in Monite"
    role = f", with the role {data['role']!r}" if me.role else ""
    login = f" (login {data['login']!r})" if me.user else ""
    return Result(data, [f"{user} is {person}{login} of {data['entity']!r}, {data['entity_id']}{role}."])


def _partner(broker: TokenBroker) -> Result:
    settings = broker.settings
    broker.partner_token()
    data: dict[str, Any] = {
        "user": None,
        "client_id": settings.client_id,
        "base_url": settings.base_url,
        "security_model": str(settings.security_model),
    }
    return Result(data, [f"The partner {settings.client_id} at {settings.base_url}: root over every entity."])


def _subject(broker: TokenBroker, user: str | None, tenant: str | None) -> Subject:
    if user is None:
        if tenant is not None:
            raise click.UsageError("--tenant is about a user: name one.")
        return PARTNER
    here = application()
    here.require_directory()
    return job_of(broker, here.user_id(user), tenant)
