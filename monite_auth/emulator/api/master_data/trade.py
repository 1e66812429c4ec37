"""Where a seller and a customer are, as the query of a question about taxes tells it.

The VAT of the EU is the model: a business in another member state, and everybody outside, is billed without VAT. For the former,
both VAT ids have to be on the invoice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from monite_auth.emulator.api.master_data.bank_accounts import VAT_IDS as SELLERS_VAT_IDS
from monite_auth.emulator.api.master_data.counterparts import ADDRESSES, COUNTERPARTS, VAT_IDS
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource

_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_EU.split())
#: The parameters that name a record, and what kind of record it is.
_NAMED: Mapping[str, Resource] = {
    "entity_vat_id_id": SELLERS_VAT_IDS,
    "counterpart_id": COUNTERPARTS,
    "counterpart_address_id": ADDRESSES,
    "counterpart_billing_address_id": ADDRESSES,
    "counterpart_vat_id_id": VAT_IDS,
}


@dataclass(frozen=True, slots=True)
class Trade:
    """A sale. What the query does not tell about the customer is None."""

    seller: str
    customer: str | None
    customer_type: str | None
    has_vat_id: bool

    @property
    def needs_vat_ids(self) -> bool:
        """Whether a business would be billed without VAT for being in another country of the EU."""
        return self.customer_type != "individual" and self._is_abroad and {self.seller, self.customer} <= EU

    @property
    def is_without_vat(self) -> bool:
        return self._is_abroad and (self.has_vat_id or not {self.seller, self.customer} <= EU)

    @property
    def _is_abroad(self) -> bool:
        return self.customer not in {None, self.seller}


def asked_about(call: Call) -> Trade:
    """Return the sale that a query is about.

    Raises:
        RefusedError: an id belongs to nothing (404).
        InvalidError: the same (422), where the operation has no 404.

    """
    named = {
        name: call.known(kind.table(call), call.query[name], kind.what, place=("query", name)).fields
        for name, kind in _NAMED.items()
        if name in call.query
    }
    customer = named.get("counterpart_id", {})
    address_id = customer.get("default_billing_address_id", "")
    places = [
        named.get("counterpart_vat_id_id"),
        named.get("counterpart_billing_address_id") or named.get("counterpart_address_id"),
        {"country": call.query.get("counterpart_country")},
        getattr(ADDRESSES.table(call).get(address_id), "fields", None),
    ]
    countries = [place["country"] for place in places if place and place.get("country")]
    return Trade(
        seller=named.get("entity_vat_id_id", {}).get("country") or call.entity.country,
        customer=countries[0] if countries else None,
        customer_type=call.query.get("counterpart_type") or customer.get("type"),
        has_vat_id="counterpart_vat_id_id" in named,
    )
