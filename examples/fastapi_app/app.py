"""An example of a partner's web app, in which people work with their organization's invoices in Monite.

Each person's calls carry that person's own Monite token, which stays on the server.

Start it beside a local Monite with `python -m examples.demo`.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection

from examples.shared.pages import STATIC, TokenCard, environment, frame, local_monite
from examples.shared.people import ENTITY_USERS, ORGANIZATIONS, PEOPLE
from monite_auth import MoniteAccess, Principal, Settings, TokenBroker
from monite_auth.errors import MoniteAuthError
from monite_auth_starlette import MoniteAuthMiddleware, identify, monite_app
from monite_auth_starlette.fastapi import LoggedInMonite, Monite, allowed

log = logging.getLogger("tillwright")

# The entity user by user and organization. With a database, pass a function instead: it gets the Principal.
broker = TokenBroker(Settings.from_env(), directory=ENTITY_USERS)


def who(connection: HTTPConnection) -> Principal | None:
    """Return the logged-in user, with the active organization as the tenant."""
    return identify(connection, tenant=connection.session.get("organization"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with broker:  # pending revocations are finished when the app stops
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)
app.add_middleware(MoniteAuthMiddleware, broker=broker, identify=who)
# Added last, so that it is outermost. Its cookie is SameSite=Lax: other sites cannot act for the logged-in user.
app.add_middleware(SessionMiddleware, secret_key=os.environ["APP_SECRET"])
app.mount("/monite", monite_app(api=True))  # Monite's API for our own pages, without a token in the browser
app.mount("/static", StaticFiles(directory=STATIC))

templates = Jinja2Templates(env=environment())
templates.env.globals["local_monite"] = local_monite(broker.settings.base_url)


class Invoice(BaseModel):
    """The fields of the form on the invoices page."""

    description: Annotated[str, Field(min_length=1, max_length=255)]
    document_id: Annotated[str, Field(min_length=1, max_length=40)]
    amount: Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=2)]
    due_date: date

    def as_payable(self, currency: str) -> dict[str, Any]:
        """Return the invoice as a payable of Monite's. Its amount is in minor units (cents)."""
        fields = self.model_dump(mode="json", exclude={"amount"})
        return {**fields, "currency": currency, "total_amount": int(self.amount * 100)}


# The user's role in Monite decides. Users without the permission get a 403 without a call to Monite.
MayCreate = Annotated[MoniteAccess, allowed("payable", "create")]
MayDelete = Annotated[MoniteAccess, allowed("payable", "delete", own=True)]  # Monite checks who created it


@app.get("/")
async def home() -> Response:
    return RedirectResponse("/invoices", 303)


@app.get("/invoices")
async def invoices(request: Request, monite: LoggedInMonite) -> Response:
    answer = await monite.aclient.get("/payables")  # as this user: Monite returns what their role allows
    answer.raise_for_status()
    return page(
        request,
        "invoices.html",
        notice=request.session.pop("notice", None),
        invoices=answer.json()["data"],
        token=TokenCard.of(await monite.atoken()),  # for display: the client attaches it itself
        role=(await monite.arole()).name,
        me=(await monite.aentity_user()).entity_user_id,
        may={  # decides which buttons the page shows
            "create": await monite.acan("payable", "create"),
            "delete": await monite.acan("payable", "delete"),
            "delete_own": await monite.acan("payable", "delete", own=True),
        },
    )


@app.post("/invoices")
async def create_invoice(
    request: Request, monite: MayCreate, invoice: Annotated[Invoice, Form()]
) -> Response:
    currency = ORGANIZATIONS[request.session["organization"]].currency
    answer = await monite.aclient.post("/payables", json=invoice.as_payable(currency))
    answer.raise_for_status()
    request.session["notice"] = f"Invoice {invoice.document_id} was created."
    return RedirectResponse("/invoices", 303)


@app.post("/invoices/{invoice_id}/delete")
async def delete_invoice(request: Request, monite: MayDelete, invoice_id: UUID) -> Response:
    answer = await monite.aclient.delete(f"/payables/{invoice_id}")
    if answer.status_code != 404:  # somebody else may have deleted it
        answer.raise_for_status()
    request.session["notice"] = "The invoice was deleted."
    return RedirectResponse("/invoices", 303)


@app.get("/office")
async def office(request: Request, monite: LoggedInMonite) -> Response:
    """Show the pages of Monite's own React SDK: examples/react/office.jsx."""
    return page(request, "office.html", role=(await monite.arole()).name)


@app.post("/organization")
async def switch_organization(request: Request, organization: Annotated[str, Form()]) -> Response:
    if (request.session.get("user_id"), organization) not in ENTITY_USERS:
        return page(request, "sorry.html", 403, message="You do not work for this organization.")
    request.session["organization"] = organization  # the tenant of all later requests
    return RedirectResponse("/invoices", 303)


@app.get("/login")
async def login_page(request: Request, monite: Monite) -> Response:
    return RedirectResponse("/invoices", 303) if monite else page(request, "login.html", people=PEOPLE)


@app.post("/login")
async def login(request: Request, user_id: Annotated[str, Form()]) -> Response:
    request.session.clear()  # logs out the previous user, if any
    if user_id in PEOPLE:
        request.session.update(user_id=user_id, organization=PEOPLE[user_id].usual)
    return RedirectResponse("/invoices", 303)


@app.post("/logout")
async def logout(request: Request) -> Response:
    request.session.clear()  # that is all: the middleware notices and revokes the token
    return RedirectResponse("/login", 303)


@app.exception_handler(MoniteAuthError)
async def refuse(request: Request, error: MoniteAuthError) -> Response:
    if error.status_hint == 401:
        request.session.clear()
        return RedirectResponse("/login", 303)
    return page(request, "sorry.html", error.status_hint, message=error.public_message)


@app.exception_handler(httpx.HTTPError)
async def apologize(request: Request, error: httpx.HTTPError) -> Response:
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == 403:
        return page(request, "sorry.html", 403, message="Your role does not allow you to do this.")
    log.warning("%s %s: %r", request.method, request.url.path, error)
    return page(request, "sorry.html", 502, message="Monite did not answer as it should. Please try again.")


def page(request: Request, name: str, status_code: int = 200, **context: Any) -> Response:
    shown = frame(request.session.get("user_id", ""), request.session.get("organization", ""))
    return templates.TemplateResponse(
        request,
        name,
        {**shown, **context},
        status_code=status_code,
        headers={"Cache-Control": "no-store"},  # so the Back button shows nothing after a logout
    )
