"""An example of a partner's web app, in which people work with their organization's invoices in Monite.

Each person's calls carry that person's own Monite token, which stays on the server.

Start it beside a local Monite with `python -m examples.demo --app flask`.
"""

import os
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Self
from uuid import UUID

import httpx
from flask import Flask, abort, current_app, make_response, redirect, request, session
from flask.typing import ResponseReturnValue

from examples.shared.pages import STATIC, TokenCard, environment, frame, local_monite
from examples.shared.people import ENTITY_USERS, ORGANIZATIONS, PEOPLE
from monite_auth import EntityUser, Principal
from monite_auth.errors import MoniteAuthError
from monite_auth_flask import MoniteAuth, current_monite, identify, monite_allowed, monite_blueprint

monite = MoniteAuth()
templates = environment()


@monite.directory
def entity_user(principal: Principal) -> EntityUser | None:
    """Return the entity user of an app user at the active organization. A real app asks its database here."""
    return ENTITY_USERS.get((principal.user_id, principal.tenant or ""))


@monite.identify
def who() -> Principal | None:
    """Return the logged-in user, with the active organization as the tenant."""
    return identify(tenant=session.get("organization"))


def create_app() -> Flask:
    """Make the app. Monite's settings come from the environment."""
    app = Flask(__name__, static_folder=STATIC, static_url_path="/static")
    app.secret_key = os.environ["APP_SECRET"]
    # Keeps other sites from acting for the logged-in user.
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    monite.init_app(app)
    # Monite's API for our own pages, without a token in the browser.
    app.register_blueprint(monite_blueprint(api=True), url_prefix="/monite")

    app.add_url_rule("/", view_func=home)
    app.add_url_rule("/invoices", view_func=invoices)
    app.add_url_rule("/invoices", view_func=create_invoice, methods=["POST"])
    app.add_url_rule("/invoices/<uuid:invoice_id>/delete", view_func=delete_invoice, methods=["POST"])
    app.add_url_rule("/office", view_func=office)
    app.add_url_rule("/organization", view_func=switch_organization, methods=["POST"])
    app.add_url_rule("/login", view_func=login_page)
    app.add_url_rule("/login", view_func=login, methods=["POST"])
    app.add_url_rule("/logout", view_func=logout, methods=["POST"])
    app.register_error_handler(MoniteAuthError, refuse)
    app.register_error_handler(httpx.HTTPError, apologize)
    return app


@dataclass(frozen=True, slots=True)
class Invoice:
    """The fields of the form on the invoices page."""

    description: str
    document_id: str
    amount: Decimal
    due_date: date

    @classmethod
    def of_form(cls) -> Self:
        try:
            description, document_id = request.form["description"], request.form["document_id"]
            amount = Decimal(request.form["amount"]).quantize(Decimal("0.01"))
            due_date = date.fromisoformat(request.form["due_date"])
        except (InvalidOperation, ValueError):
            abort(422)
        if not (0 < len(description) <= 255 and 0 < len(document_id) <= 40 and 0 < amount < 10_000_000):
            abort(422)
        return cls(description, document_id, amount, due_date)

    def as_payable(self, currency: str) -> dict[str, Any]:
        """Return the invoice as a payable of Monite's. Its amount is in minor units (cents)."""
        return {
            "description": self.description,
            "document_id": self.document_id,
            "due_date": self.due_date.isoformat(),
            "currency": currency,
            "total_amount": int(self.amount * 100),
        }


def home() -> ResponseReturnValue:
    return redirect("/invoices", 303)


def invoices() -> ResponseReturnValue:
    answer = current_monite.client.get("/payables")  # as this user: Monite returns what their role allows
    answer.raise_for_status()
    return page(
        "invoices.html",
        notice=session.pop("notice", None),
        invoices=answer.json()["data"],
        token=TokenCard.of(current_monite.token()),  # for display: the client attaches it itself
        role=current_monite.role().name,
        me=current_monite.entity_user().entity_user_id,
        may={  # decides which buttons the page shows
            "create": current_monite.can("payable", "create"),
            "delete": current_monite.can("payable", "delete"),
            "delete_own": current_monite.can("payable", "delete", own=True),
        },
    )


@monite_allowed("payable", "create")  # others get a 403 without a call to Monite
def create_invoice() -> ResponseReturnValue:
    invoice = Invoice.of_form()
    currency = ORGANIZATIONS[session["organization"]].currency
    answer = current_monite.client.post("/payables", json=invoice.as_payable(currency))
    answer.raise_for_status()
    session["notice"] = f"Invoice {invoice.document_id} was created."
    return redirect("/invoices", 303)


@monite_allowed("payable", "delete", own=True)  # Monite checks who created it
def delete_invoice(invoice_id: UUID) -> ResponseReturnValue:
    answer = current_monite.client.delete(f"/payables/{invoice_id}")
    if answer.status_code != 404:  # somebody else may have deleted it
        answer.raise_for_status()
    session["notice"] = "The invoice was deleted."
    return redirect("/invoices", 303)


def office() -> ResponseReturnValue:
    """Show the pages of Monite's own React SDK: examples/react/office.jsx."""
    return page("office.html", role=current_monite.role().name)


def switch_organization() -> ResponseReturnValue:
    organization = request.form["organization"]
    if (session.get("user_id"), organization) not in ENTITY_USERS:
        return page("sorry.html", 403, message="You do not work for this organization.")
    session["organization"] = organization  # the tenant of all later requests
    return redirect("/invoices", 303)


def login_page() -> ResponseReturnValue:
    return redirect("/invoices", 303) if current_monite else page("login.html", people=PEOPLE)


def login() -> ResponseReturnValue:
    session.clear()  # logs out the previous user, if any
    user_id = request.form["user_id"]
    if user_id in PEOPLE:
        session.update(user_id=user_id, organization=PEOPLE[user_id].usual)
    return redirect("/invoices", 303)


def logout() -> ResponseReturnValue:
    session.clear()  # that is all: the extension notices and revokes the token
    return redirect("/login", 303)


def refuse(error: MoniteAuthError) -> ResponseReturnValue:
    if error.status_hint == 401:
        session.clear()
        return redirect("/login", 303)
    return page("sorry.html", error.status_hint, message=error.public_message)


def apologize(error: httpx.HTTPError) -> ResponseReturnValue:
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == 403:
        return page("sorry.html", 403, message="Your role does not allow you to do this.")
    current_app.logger.warning("%s %s: %r", request.method, request.path, error)
    return page("sorry.html", 502, message="Monite did not answer as it should. Please try again.")


def page(name: str, status_code: int = 200, **context: Any) -> ResponseReturnValue:
    html = templates.get_template(name).render(
        local_monite=local_monite(monite.broker.settings.base_url),
        **frame(session.get("user_id", ""), session.get("organization", "")),
        **context,
    )
    response = make_response(html, status_code)
    response.headers["Cache-Control"] = "private, no-store"  # so the Back button shows nothing after a logout
    return response
