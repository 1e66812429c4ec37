"""The line items of a receivable: each is a product as it was when the line was written, a quantity, and a VAT rate."""

from collections.abc import Mapping
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.master_data.products import MEASURE_UNITS, PRODUCTS
from monite_auth.emulator.api.master_data.vat_rates import vat_rate, vat_rates
from monite_auth.emulator.api.serving.call import Call


def line_item(call: Call, line: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line item. A product that it describes itself is added to the products of the entity."""
    if "product_id" in line:
        product = call.known(PRODUCTS.table(call), line["product_id"], "product")
    elif "product" in line:
        described = dict(line["product"])
        if unit := described.pop("measure_unit", None):
            described["measure_unit_id"] = MEASURE_UNITS.add(call, unit).id
        product = PRODUCTS.add(call, {**PRODUCTS.defaults, **described})
    else:
        raise RefusedError(400, "A line item has a product_id or a product.")
    fields = product.shown()
    if fields.get("price") is None or fields["price"]["currency"] != source["currency"]:
        raise RefusedError(400, f"The product '{fields['name']}' has no price in {source['currency']}.")
    unit_id = fields.get("measure_unit_id")
    unit = MEASURE_UNITS.table(call).get(unit_id) if unit_id else None
    shown = {
        **fields,
        "is_inline": "product" in line,
        "measure_unit": unit.shown() if unit else None,
        "vat_rate": _rate(call, line, is_exempt=source.get("vat_exempt", False)),
        "accounting_tax_rate_id": line.get("accounting_tax_rate_id"),
    }
    return {"product": shown, "quantity": line["quantity"], "discount": line.get("discount")}


def _rate(call: Call, line: Mapping[str, Any], *, is_exempt: bool) -> dict[str, Any]:
    """Return the VAT rate of a line: one that Monite knows, or the tax that the line tells itself."""
    country = call.entity.country
    if is_exempt:
        return {"country": country, "value": 0, "is_custom": False}
    if "custom_vat_rate_id" in line:
        raise call.refusal(f"There is no VAT rate {line['custom_vat_rate_id']}.", 404, 400)
    if "vat_rate_id" in line:
        known = vat_rate(line["vat_rate_id"])
        if known is None:
            raise call.refusal(f"There is no VAT rate {line['vat_rate_id']}.", 404, 400)
        return {"id": known["id"], "country": known["country"], "value": known["value"], "is_custom": False}
    if "tax_rate_value" not in line and vat_rates(country):
        raise RefusedError(400, f"A line item of an entity in {country} needs a vat_rate_id.")
    value = line.get("tax_rate_value", 0)
    return {"country": country, "value": value, "name": line.get("tax_rate_name"), "is_custom": True}


def with_changes(call: Call, fields: Mapping[str, Any], changes: Any) -> list[dict[str, Any]]:
    """Return the line items with what a PATCH changes: by their position, and in a credit note by their product."""
    items = [dict(item) for item in fields["line_items"]]
    if fields["type"] == "credit_note":
        for product_id, change in (changes or {}).items():
            fitting = [
                item
                for item in items
                if item["product"]["id"] == product_id
                and change.get("old_price") in {None, item["product"]["price"]["value"]}
            ]
            if not fitting or change["quantity"] > fitting[0]["quantity"]:
                raise RefusedError(400, f"The invoice has no such number of the product {product_id}.")
            _set(fitting[0], {"quantity": change["quantity"], "price": change.get("price_diff")})
        return items
    if len(changes or ()) > len(items):
        raise RefusedError(400, "There are not as many line items. PUT …/line_items replaces them by others.")
    for item, change in zip(items, changes or (), strict=False):
        _set(item, change)
        if change.keys() & {"vat_rate_id", "custom_vat_rate_id", "tax_rate_value"}:
            is_exempt = fields["vat_exempt"]
            item["product"] = {**item["product"], "vat_rate": _rate(call, change, is_exempt=is_exempt)}
    return items


def _set(item: dict[str, Any], change: Mapping[str, Any]) -> None:
    item |= {name: change[name] for name in ("quantity", "discount") if name in change}
    if change.get("price") is not None:
        product = item["product"]
        item["product"] = {**product, "price": {**product["price"], "value": change["price"]}}
