"""Settings of the partner and of each entity, metadata that the partner attaches, and the currencies."""

from collections.abc import Callable
from typing import Any

from monite_auth.emulator.api.master_data.counterparts import COUNTERPARTS
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.specification.facts import shapes
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Record

#: What an entity has before somebody changes it.
ENTITY = {
    "allow_purchase_order_autolinking": True,
    "generate_paid_invoice_pdf": False,
    "language": "en",
    "payables_skip_approval_flow": False,
    "payment_priority": "working_capital",
    "quote_signature_required": True,
    "receivable_edit_flow": "compliant",
    "vat_inclusive_discount_mode": "exclusive",
    "vat_mode": "exclusive",
}
NUMBERED = ("credit_note", "delivery_note", "invoice", "purchase_order", "quote")
#: What a document's number begins with.
PREFIXES = {
    "credit_note": "CN",
    "delivery_note": "DN",
    "invoice": "INV",
    "purchase_order": "PO",
    "quote": "Q",
}

#: Name and symbol of the currencies that most people know; all others are known by their code.
NAMES = {
    "AUD": ("Australian Dollar", "A$"),
    "CAD": ("Canadian Dollar", "CA$"),
    "CHF": ("Swiss Franc", "CHF"),
    "CNY": ("Chinese Yuan", "CN¥"),
    "CZK": ("Czech Koruna", "Kč"),
    "DKK": ("Danish Krone", "kr"),
    "EUR": ("Euro", "€"),
    "GBP": ("British Pound", "£"),
    "ILS": ("Israeli New Shekel", "₪"),
    "INR": ("Indian Rupee", "₹"),
    "JPY": ("Japanese Yen", "¥"),
    "KRW": ("South Korean Won", "₩"),
    "NOK": ("Norwegian Krone", "kr"),
    "NZD": ("New Zealand Dollar", "NZ$"),
    "PLN": ("Polish Zloty", "zł"),
    "SEK": ("Swedish Krona", "kr"),
    "TRY": ("Turkish Lira", "₺"),
    "UAH": ("Ukrainian Hryvnia", "₴"),
    "USD": ("US Dollar", "$"),
}
#: ISO 4217: how many digits stand behind the point where it is not two.
MINOR_UNITS = {
    **dict.fromkeys(("CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"), 0),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "OMR", "TND"), 3),
}


@serves("GET /settings")
def read_settings(call: Call) -> dict[str, Any]:
    return call.partner.settings


@serves("PATCH /settings")
def update_settings(call: Call) -> dict[str, Any]:
    call.partner.settings = call.partner.settings | call.body
    return call.partner.settings


@serves("GET /entities/{entity_id}/settings", caller="either")
def read_entity_settings(call: Call) -> dict[str, Any]:
    call.demand("read", "entity")
    return entity_settings(call)


@serves("PATCH /entities/{entity_id}/settings", caller="either")
def update_entity_settings(call: Call) -> dict[str, Any]:
    call.demand("update", "entity")
    call.directory.entities.change(call.entity, {"settings": entity_settings(call) | call.body})
    return entity_settings(call)


@serves("GET /entities/{entity_id}/settings/next_document_numbers", caller="either")
def read_next_document_numbers(call: Call) -> dict[str, Any]:
    call.demand("read", "entity")
    chosen = (entity_settings(call).get("document_ids") or {}).get("next_number") or {}
    return {kind: chosen.get(kind) or 1 for kind in NUMBERED}


def entity_settings(call: Call) -> dict[str, Any]:
    return {**ENTITY, **call.entity.fields.get("settings", {})}


def take_document_number(call: Call, kind: str) -> str:
    """Return the number of a document that is being issued, such as INV-00001, and count on."""
    settings = entity_settings(call)
    form = settings.get("document_ids") or {}
    numbers = form.get("next_number") or {}
    number = numbers.get(kind) or 1
    counted = {**form, "next_number": {**numbers, kind: number + 1}}
    call.directory.entities.amend(call.entity, {"settings": {**settings, "document_ids": counted}})
    words = {**PREFIXES, **(form.get("document_type_prefix") or {})}
    year = iso(call.monite.clock.now())[:4] if form.get("include_date") else None
    digits = str(number).zfill(form.get("min_digits") or 5)
    return str(form.get("separator", "-")).join(filter(None, (words[kind], form.get("prefix"), year, digits)))


def _serve_metadata(path: str, found: Callable[[Call, bool], Record], table: str) -> None:
    """Serve the metadata of one kind of record. `found` returns the record, to be read or to be changed."""

    @serves(f"GET {path}", caller="either")
    def read(call: Call) -> dict[str, Any]:
        return {"metadata": found(call, False).fields.get("partner_metadata")}

    @serves(f"PUT {path}", caller="either")
    def replace(call: Call) -> dict[str, Any]:
        record = found(call, True)
        call.directory.table(table).change(record, {"partner_metadata": call.body["metadata"]})
        return {"metadata": record.fields["partner_metadata"]}


def _entity(call: Call, changing: bool) -> Record:
    call.demand("update" if changing else "read", "entity")
    return call.entity


_serve_metadata("/entities/{entity_id}/partner_metadata", _entity, "entities")
_serve_metadata(
    "/counterparts/{counterpart_id}/partner_metadata",
    lambda call, changing: COUNTERPARTS.found(call, "update" if changing else "read"),
    "counterparts",
)


@serves("GET /internal/currencies", caller="either")
def read_currencies(call: Call) -> dict[str, Any]:  # noqa: ARG001 - they are the same for everybody
    return {
        code: {
            "name": NAMES.get(code, (code, code))[0],
            "symbol": NAMES.get(code, (code, code))[1],
            "minor_units": MINOR_UNITS.get(code, 2),
        }
        for code in shapes()["CurrencyEnum"]["enum"]
    }
