"""What invoices are made of: `/products`, `/measure_units`, `/vat_rates` and `/payment_terms`."""

from typing import Any

from monite_auth.emulator.api.master_data.trade import asked_about
from monite_auth.emulator.api.master_data.vat_rates import vat_rates
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record


class Products(Resource):
    """Products and services. Each is measured in a unit of the entity, or in none."""

    def filled(self, call: Call) -> dict[str, Any]:
        return super().filled(call) | self.changed(call)

    def changed(self, call: Call, record: Record | None = None) -> dict[str, Any]:  # noqa: ARG002 - of the signature
        call.check_reference("measure_unit_id", MEASURE_UNITS.table(call), "measure unit")
        return dict(call.body)


@serves("GET /vat_rates")
def list_vat_rates(call: Call) -> dict[str, Any]:
    """Return the rates of the seller's country: the entity's, or that of the VAT id that the query names.

    A sale abroad may have only the zero rate. At home that rate is for goods, such as solar panels, and for no service.
    """
    call.demand("read", "receivable")
    trade = asked_about(call)
    rates = vat_rates(trade.seller)
    if trade.is_without_vat:
        rates = [rate for rate in rates if not rate["value"]]
    elif call.query.get("product_type") == "service":
        rates = [rate for rate in rates if rate["value"]]
    return {"data": rates}


PRODUCTS = Products(
    "/products",
    "product",
    object_type="product",
    defaults={"type": "product"},
    lookups={
        "price": lambda _, each: each.fields.get("price", {}).get("value"),
        "currency": lambda _, each: each.fields.get("price", {}).get("currency"),
    },
)
# Monite demands the permissions of receivables for these.
MEASURE_UNITS = Resource("/measure_units", "measure unit", object_type="receivable")
PAYMENT_TERMS = Resource("/payment_terms", "payment terms", object_type="receivable")

for resource in (PRODUCTS, MEASURE_UNITS, PAYMENT_TERMS):
    resource.serve()
