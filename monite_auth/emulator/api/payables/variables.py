"""What can be put in place of words in e-mails about bills: `/payables/variables`."""

from typing import Any

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves

# Monite documents the shape of this list and not the names. These are in the style of those for receivables.
_VARIABLES = {
    "payables_notify_approver": {
        "{amount}": "The amount of the bill",
        "{document_id}": "The number on the bill",
        "{due_date}": "When it has to be paid",
    },
    "payables_purchase_order": {
        "{document_id}": "The number of the purchase order",
        "{entity_name}": "Who orders",
    },
}


@serves("GET /payables/variables")
def read_variables(call: Call) -> dict[str, Any]:
    call.demand("read", "payable")
    return {
        "data": [
            {
                "object_type": "payable",
                "object_subtype": subtype,
                "variables": [{"name": name, "description": text} for name, text in variables.items()],
            }
            for subtype, variables in _VARIABLES.items()
        ]
    }
