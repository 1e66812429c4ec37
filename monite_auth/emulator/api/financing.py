"""Loans on invoices: `/financing_offers` and `/financing_invoices`. Nobody offers one here, so there are none."""

from typing import Any

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.lists import page


@serves("GET /financing_offers")
def list_offers(call: Call) -> dict[str, Any]:
    call.demand("read", "receivable")
    return {"business_status": "NEW", "offers": []}


@serves("GET /financing_invoices")
def list_invoices(call: Call) -> dict[str, Any]:
    call.demand("read", "receivable")
    return page(call, "/financing_invoices", [], {})
