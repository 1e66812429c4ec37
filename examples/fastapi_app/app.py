"""A partner's web app: its people work with invoices in Monite, each with a token of their own that they never see.

Start it beside a local Monite with `python -m examples.demo`.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field
from starlette.middleware.sessions import SessionMiddleware

from examples.shared.pages import STATIC, TokenCard, environment, local_monite
from examples.shared.people import CURRENCY, PEOPLE
from monite_auth import MoniteAccess, Settings, TokenBroker
from monite_auth.errors import MoniteAuthError
from monite_auth_starlette import MoniteAuthMiddleware, monite_app
from monite_auth_starlette.fastapi import LoggedInMonite, Monite

log = logging.getLogger("tillwright")

# Who a user of this app is in Monite. With a database, give a function instead: it gets the Principal.
broker = TokenBroker(
    Settings.from_env(), directory={user_id: person.entity_user for user_id, person in PEOPLE.items()}
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with broker:  # when the app stops, revocations that are under way are finished
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)
app.add_middleware(MoniteAuthMiddleware, broker=broker)
# Added last, so that it is outside. Its cookie is SameSite=Lax, so no other site can act for who is logged in.
app.add_middleware(SessionMiddleware, secret_key=os.environ["APP_SECRET"])
app.mount("/monite", monite_app())  # GET /monite/token, for Monite's browser SDK
app.mount("/static", StaticFiles(directory=STATIC))

templates = Jinja2Templates(env=environment())
templates.env.globals["local_monite"] = local_monite(broker.settings.base_url)


class Invoice(BaseModel):
    """What the form on the invoices page sends."""

    description: Annotated[str, Field(min_length=1, max_length=255)]
    document_id: Annotated[str, Field(min_length=1, max_length=40)]
    amount: Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=2)]
    due_date: date

    def as_payable(self) -> dict[str, Any]:
        """Return the invoice as Monite wants it, its amount in cents."""
        fields = self.model_dump(mode="json", exclude={"amount"})
        return {**fields, "currency": CURRENCY, "total_amount": int(self.amount * 100)}


@app.get("/")
async def home() -> Response:
    return RedirectResponse("/invoices", 303)


@app.get("/invoices")
async def invoices(request: Request, monite: LoggedInMonite) -> Response:
    notice = request.session.pop("notice", None)
    return await invoices_page(request, monite, notice=notice)


@app.post("/invoices")
async def create_invoice(
    request: Request, monite: LoggedInMonite, invoice: Annotated[Invoice, Form()]
) -> Response:
    answer = await monite.aclient.post("/payables", json=invoice.as_payable())
    if answer.status_code == 403:  # Monite knows the user's role, so the app has no rules of its own to keep
        return await invoices_page(request, monite, 403, refused=invoice)
    answer.raise_for_status()
    request.session["notice"] = f"Invoice {invoice.document_id} was created."
    return RedirectResponse("/invoices", 303)


async def invoices_page(
    request: Request, monite: MoniteAccess, status_code: int = 200, **context: Any
) -> Response:
    answer = await monite.aclient.get("/payables")  # as this user: Monite shows what their role allows
    answer.raise_for_status()
    token = TokenCard.of(await monite.atoken())  # only to show it: the client has attached it already
    return page(request, "invoices.html", status_code, invoices=answer.json()["data"], token=token, **context)


@app.get("/login")
async def login_page(request: Request, monite: Monite) -> Response:
    return RedirectResponse("/invoices", 303) if monite else page(request, "login.html", people=PEOPLE)


@app.post("/login")
async def login(request: Request, user_id: Annotated[str, Form()]) -> Response:
    request.session.clear()  # whoever was logged in before is not any more
    if user_id in PEOPLE:
        request.session["user_id"] = user_id
    return RedirectResponse("/invoices", 303)


@app.post("/logout")
async def logout(request: Request) -> Response:
    request.session.clear()  # nothing else to remember: the middleware sees it and has the token revoked
    return RedirectResponse("/login", 303)


@app.exception_handler(MoniteAuthError)
async def refuse(request: Request, error: MoniteAuthError) -> Response:
    if error.status_hint == 401:
        request.session.clear()
        return RedirectResponse("/login", 303)
    return page(request, "sorry.html", error.status_hint, message=error.public_message)


@app.exception_handler(httpx.HTTPError)
async def apologize(request: Request, error: httpx.HTTPError) -> Response:
    log.warning("%s %s: %r", request.method, request.url.path, error)
    return page(request, "sorry.html", 502, message="Monite did not answer as it should. Please try again.")


def page(request: Request, name: str, status_code: int = 200, **context: Any) -> Response:
    person = PEOPLE.get(request.session.get("user_id", ""))
    return templates.TemplateResponse(
        request,
        name,
        {"person": person, **context},
        status_code=status_code,
        headers={"Cache-Control": "no-store"},  # the browser's Back button shows nothing after the logout
    )
