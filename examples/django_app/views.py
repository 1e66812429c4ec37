"""A partner's web app: its people work with invoices in Monite, each with a token of their own that they never see.

Start it beside a local Monite with `python -m examples.demo`, or by itself with `python -m examples.django_app`.
"""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from examples.shared.pages import TokenCard
from examples.shared.people import CURRENCY, PEOPLE
from monite_auth_django.decorators import monite_required


class InvoiceForm(forms.Form):
    """What the form on the invoices page sends."""

    description = forms.CharField(max_length=255)
    document_id = forms.CharField(max_length=40)
    amount = forms.DecimalField(min_value=0, max_digits=9, decimal_places=2)
    due_date = forms.DateField()

    def as_payable(self) -> dict[str, Any]:
        """Return the invoice as Monite wants it, its amount in cents."""
        invoice = self.cleaned_data
        return {
            "description": invoice["description"],
            "document_id": invoice["document_id"],
            "due_date": invoice["due_date"].isoformat(),
            "currency": CURRENCY,
            "total_amount": int(invoice["amount"] * 100),
        }


@monite_required
def invoices(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return invoices_page(request, notice=request.session.pop("notice", None))
    form = InvoiceForm(request.POST)
    if not form.is_valid():
        return page(request, "sorry.html", 422, message="Please fill in all fields of the invoice.")
    answer = request.monite.client.post("/payables", json=form.as_payable())
    if answer.status_code == 403:  # Monite knows the user's role, so the app has no rules of its own to keep
        return invoices_page(request, 403, refused=form.cleaned_data)
    answer.raise_for_status()
    request.session["notice"] = f"Invoice {form.cleaned_data['document_id']} was created."
    return redirect("/invoices")


def invoices_page(request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    answer = request.monite.client.get("/payables")  # as this user: Monite shows what their role allows
    answer.raise_for_status()
    token = TokenCard.of(request.monite.token())  # only to show it: the client has attached it already
    return page(request, "invoices.html", status, invoices=answer.json()["data"], token=token, **context)


def log_in(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        user = get_user_model().objects.filter(username=request.POST.get("user_id")).first()
        if user is not None:
            login(request, user)  # whoever was logged in before is not any more, in Monite neither
    return (
        redirect("/invoices") if request.user.is_authenticated else page(request, "login.html", people=PEOPLE)
    )


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)  # nothing else to remember: the token is revoked
    return redirect("/login")


@never_cache  # the browser's Back button shows nothing after the logout
def page(request: HttpRequest, name: str, status: int = 200, **context: Any) -> HttpResponse:
    person = PEOPLE.get(request.user.get_username())
    return render(request, name, {"person": person, **context}, status=status)
