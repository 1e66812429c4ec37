"""An example of a partner's web app, in which people work with their organization's invoices in Monite.

Each person's calls carry that person's own Monite token, which stays on the server.

Start it beside a local Monite with `python -m examples.demo`, or by itself with `python -m examples.django_app`.
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from examples.shared.pages import TokenCard, frame
from examples.shared.people import ORGANIZATIONS, PEOPLE
from monite_auth_django.decorators import monite_allowed, monite_required


class InvoiceForm(forms.Form):
    """The fields of the form on the invoices page."""

    description = forms.CharField(max_length=255)
    document_id = forms.CharField(max_length=40)
    amount = forms.DecimalField(min_value=0, max_digits=9, decimal_places=2)
    due_date = forms.DateField()

    def as_payable(self, currency: str) -> dict[str, Any]:
        """Return the invoice as a payable of Monite's. Its amount is in minor units (cents)."""
        invoice = self.cleaned_data
        return {
            "description": invoice["description"],
            "document_id": invoice["document_id"],
            "due_date": invoice["due_date"].isoformat(),
            "currency": currency,
            "total_amount": int(invoice["amount"] * 100),
        }


@monite_required
def invoices(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return create_invoice(request)
    monite = request.monite
    answer = monite.client.get("/payables")  # as this user: Monite returns what their role allows
    answer.raise_for_status()
    return page(
        request,
        "invoices.html",
        notice=request.session.pop("notice", None),
        invoices=answer.json()["data"],
        token=TokenCard.of(monite.token()),  # for display: the client attaches it itself
        role=monite.role().name,
        me=monite.entity_user().entity_user_id,
        may={  # decides which buttons the page shows
            "create": monite.can("payable", "create"),
            "delete": monite.can("payable", "delete"),
            "delete_own": monite.can("payable", "delete", own=True),
        },
    )


@monite_allowed("payable", "create")  # others get a 403 without a call to Monite
def create_invoice(request: HttpRequest) -> HttpResponse:
    form = InvoiceForm(request.POST)
    if not form.is_valid():
        return page(request, "sorry.html", 422, message="Please fill in all fields of the invoice.")
    currency = ORGANIZATIONS[request.session["organization"]].currency
    answer = request.monite.client.post("/payables", json=form.as_payable(currency))
    answer.raise_for_status()
    request.session["notice"] = f"Invoice {form.cleaned_data['document_id']} was created."
    return redirect("/invoices")


@require_POST
@monite_allowed("payable", "delete", own=True)  # Monite checks who created it
def delete_invoice(request: HttpRequest, invoice_id: UUID) -> HttpResponse:
    answer = request.monite.client.delete(f"/payables/{invoice_id}")
    if answer.status_code != 404:  # somebody else may have deleted it
        answer.raise_for_status()
    request.session["notice"] = "The invoice was deleted."
    return redirect("/invoices")


@monite_required
def office(request: HttpRequest) -> HttpResponse:
    """Show the pages of Monite's own React SDK: examples/react/office.jsx."""
    return page(request, "office.html", role=request.monite.role().name)


@require_POST
@login_required
def switch_organization(request: HttpRequest) -> HttpResponse:
    organization = request.POST.get("organization", "")
    if not request.user.monite_links.filter(tenant=organization).exists():
        return page(request, "sorry.html", 403, message="You do not work for this organization.")
    request.session["organization"] = organization  # the tenant of all later requests
    return redirect("/invoices")


def log_in(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        user = get_user_model().objects.filter(username=request.POST.get("user_id")).first()
        if user is not None:
            login(request, user)  # logs out the previous user, if any, and revokes their token
            request.session["organization"] = PEOPLE[user.get_username()].usual
    return (
        redirect("/invoices") if request.user.is_authenticated else page(request, "login.html", people=PEOPLE)
    )


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)  # that is all: the middleware notices and revokes the token
    return redirect("/login")


@never_cache  # so the Back button shows nothing after a logout
def page(request: HttpRequest, name: str, status: int = 200, **context: Any) -> HttpResponse:
    shown = frame(request.user.get_username(), request.session.get("organization", ""))
    return render(request, name, {**shown, **context}, status=status)
