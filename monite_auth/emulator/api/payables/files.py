"""The files of payables, and what is read from them: uploads, OCR, suggestions.

The emulator's OCR takes a few seconds of the emulator's clock, and recognizes nothing.
"""

import mimetypes
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.file_content import SHOWN
from monite_auth.emulator.api.files import decoded_content
from monite_auth.emulator.api.master_data.counterparts import billing_address
from monite_auth.emulator.api.payables.bills import PAYABLES
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.demo.companies import PAYABLE
from monite_auth.emulator.world.directory import Counterpart, Payable

#: Monite says 20MB.
LARGEST = 20 * 1024 * 1024


@serves("POST /payables/upload_from_file")
def upload(call: Call) -> dict[str, Any]:
    call.demand("create", "payable")
    name = call.files["file"]
    if mimetypes.guess_type(name)[0] not in SHOWN:
        raise RefusedError(400, f"'{name}' is neither PDF, PNG nor JPEG.")
    size = len(decoded_content(call.body["file"]))
    if size > LARGEST:
        raise RefusedError(400, f"'{name}' has {size:,} bytes, and a file has {LARGEST:,} at most.")
    fields = {
        "source_of_payable_data": "ocr",
        "ocr_status": "processing",
        "ocr_request_id": call.monite.new_id(),
    }
    bill = PAYABLES.begin(call, {**PAYABLE, **fields})
    PAYABLES.attach(call, bill, name, call.body["file"])
    return bill.shown()


@serves("POST /payables/{payable_id}/attach_file")
def attach_file(call: Call) -> dict[str, Any]:
    bill = PAYABLES.found(call, "update")
    if "file" in bill.fields:
        raise RefusedError(409, "This payable has a file already.")
    PAYABLES.attach(call, bill, call.files["file"], call.body["file"])
    return bill.shown()


@serves("POST /payables/{payable_id}/cancel_ocr")
def cancel_ocr(call: Call) -> dict[str, Any]:
    bill = PAYABLES.found(call, "update")
    if bill.fields.get("ocr_status") != "processing":
        raise RefusedError(409, "No OCR is in progress for this payable.")
    PAYABLES.change(call, bill, {"ocr_status": "canceled"})
    return bill.shown()


@serves("GET /payables/{payable_id}/suggestions")
def suggest(call: Call) -> dict[str, Any]:
    bill = PAYABLES.found(call, "read")
    known = _known_supplier(call, bill)
    if known is None:
        raise RefusedError(404, "There are no suggestions for this payable.")
    address = billing_address(call, known)
    return {"suggested_counterpart": {"id": known.id} | ({"address_id": address.id} if address else {})}


@serves("DELETE /payables/{payable_id}/suggestions")
def dismiss_suggestions(call: Call) -> dict[str, Any]:
    PAYABLES.change(call, PAYABLES.found(call, "update"), {"suggestions_dismissed": True})
    return {}


def _known_supplier(call: Call, bill: Payable) -> Counterpart | None:
    """Return the counterpart that has the name on the bill, if nobody has chosen one."""
    name = bill.fields.get("counterpart_raw_data", {}).get("name")
    if not name or "counterpart_id" in bill.fields or "suggestions_dismissed" in bill.fields:
        return None
    counterparts = call.directory.counterparts.all(call.entity.id)
    return next((each for each in counterparts if each.name.casefold() == name.casefold()), None)
