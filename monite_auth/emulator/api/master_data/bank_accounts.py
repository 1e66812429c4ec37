"""How an entity is paid: its `/bank_accounts`, `/entities/{id}/vat_ids` and `/entities/{id}/payment_methods`."""

from typing import Any

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.facts import shapes
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.world.directory import Record

#: What an account needs beside currency and country, by currency. In others one of `_NUMBERS` does.
_NEEDED = {
    "EUR": ("iban",),
    "GBP": ("account_holder_name", "account_number", "sort_code"),
    "USD": ("account_holder_name", "account_number", "routing_number"),
}
_NUMBERS = (("iban",), ("account_number", "sort_code"), ("account_number", "routing_number"))


class BankAccounts(Resource):
    """Bank accounts of the entity. One account of each currency is the default for it: at first the oldest."""

    def create(self, call: Call) -> dict[str, Any]:
        self._demand(call, "create")
        _check(call.body)
        account = self.add(call, {"is_default_for_currency": False, **call.body})
        if account.fields["is_default_for_currency"] or len(self._of_currency(call, account)) == 1:
            self.make_default(call, account)
        return account.shown()

    def make_default(self, call: Call, account: Record) -> None:
        for each in self._of_currency(call, account):
            self.table(call).change(each, {"is_default_for_currency": each is account})

    def remove(self, call: Call, record: Record) -> None:
        super().remove(call, record)
        others = self._of_currency(call, record)
        if record.fields["is_default_for_currency"] and others:
            self.make_default(call, others[0])

    def _of_currency(self, call: Call, account: Record) -> list[Record]:
        currency = account.fields["currency"]
        return [each for each in self.table(call).all(call.entity.id) if each.fields["currency"] == currency]


def _check(account: dict[str, Any]) -> None:
    """Check that an account has what its currency needs."""
    needed = _NEEDED.get(account["currency"])
    if needed is None:
        given = any(all(name in account for name in names) for names in _NUMBERS)
        needed = () if given else ("iban",)
    # The error names every field that is missing.
    missing = [name for name in needed if not account.get(name)]
    if missing:
        sentence = f"An account in {account['currency']} needs this field"
        raise InvalidError([(("body", name), sentence, "missing") for name in missing])


BANK_ACCOUNTS = BankAccounts("/bank_accounts", "bank account", object_type="entity_bank_account")
BANK_ACCOUNTS.serve()


@serves("POST /bank_accounts/{bank_account_id}/make_default")
def make_default(call: Call) -> dict[str, Any]:
    account = BANK_ACCOUNTS.found(call, "update")
    BANK_ACCOUNTS.make_default(call, account)
    return account.shown()


@serves("GET /bank_accounts/{bank_account_id}/verifications")
def list_verifications(call: Call) -> dict[str, Any]:
    """Return nothing: no account of the emulator is ever verified."""
    BANK_ACCOUNTS.found(call, "read")
    return {}


class VatIds(Resource):
    """VAT ids of the entity."""

    def changed(self, call: Call, record: Record) -> dict[str, Any]:  # noqa: ARG002 - of the signature
        # Null is ignored: a VAT id cannot be without a country and a value.
        return {name: value for name, value in call.body.items() if value is not None}


VAT_IDS = VatIds("/entities/{entity_id}/vat_ids", "VAT id", object_type="entity_vat_ids", caller="either")
VAT_IDS.serve()


@serves("GET /entities/{entity_id}/payment_methods", caller="either")
def list_payment_methods(call: Call) -> dict[str, Any]:
    call.demand("read", "entity")
    return _payment_methods(call)


def _payment_methods(call: Call) -> dict[str, Any]:
    """Return all payment methods: which are active to receive money, and which to send it."""
    active = call.entity.fields.get("payment_methods", {})
    kinds, names = (
        shapes()[name]["enum"] for name in ("MoniteAllPaymentMethodsTypes", "MoniteAllPaymentMethods")
    )
    return {
        "data": [
            {
                "type": kind,
                "name": name,
                "direction": direction,
                "status": "active" if kind in active.get(direction, ()) else "inactive",
            }
            for kind, name in zip(kinds, names, strict=True)
            for direction in ("receive", "send")
        ]
    }


@serves("PUT /entities/{entity_id}/payment_methods", caller="either")
def set_payment_methods(call: Call) -> dict[str, Any]:
    call.demand("update", "entity")
    # The field without a direction is the older name for methods to receive money.
    given = {
        "receive": call.body.get("payment_methods_receive", call.body.get("payment_methods")),
        "send": call.body.get("payment_methods_send"),
    }
    kept = call.entity.fields.get("payment_methods", {})
    chosen = {direction: kinds for direction, kinds in given.items() if kinds is not None}
    call.directory.entities.change(call.entity, {"payment_methods": kept | chosen})
    return _payment_methods(call)
