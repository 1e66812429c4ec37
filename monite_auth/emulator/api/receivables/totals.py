"""What the lines of a receivable add up to. Amounts are in minor units, rates in hundredths of a percent."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

#: A rate of 100 %.
WHOLE = 10_000


def with_totals(item: Mapping[str, Any], vat_mode: str) -> dict[str, Any]:
    """Return a line item with what it costs. In the mode `inclusive` its price includes VAT."""
    product = item["product"]
    price, rate = product["price"]["value"], product["vat_rate"]["value"]
    gross = _rounded(Decimal(str(item["quantity"])) * price)
    net = gross - _discount(item.get("discount"), gross)
    if vat_mode == "inclusive":
        before, after, price_after = _rounded(Decimal(net * WHOLE) / (WHOLE + rate)), net, price
    else:
        before, after, price_after = net, net + _part(net, rate), price + _part(price, rate)
    product = {**product, "price_after_vat": {**product["price"], "value": price_after}}
    return {**item, "product": product, "total_before_vat": before, "total_after_vat": after}


def totals(
    items: Iterable[Mapping[str, Any]], discount: Mapping[str, Any] | None, withholding_tax_rate: int | None
) -> dict[str, Any]:
    """Return the sums of all lines: before and after the discount of the whole document, and VAT by rate."""
    items = list(items)
    subtotal = sum(item["total_before_vat"] for item in items)
    reduction = _discount(discount, subtotal)
    # The discount of the whole lowers the amount of each rate by the same part.
    share = Decimal(subtotal - reduction) / subtotal if subtotal else Decimal(1)
    by_rate: dict[tuple[str | None, int], list[int]] = {}
    names = {}
    for item in items:
        rate = item["product"]["vat_rate"]
        key = (rate.get("id"), rate["value"])
        names[key] = rate.get("name")
        sums = by_rate.setdefault(key, [0, 0])
        sums[0] += item["total_before_vat"]
        sums[1] += item["total_after_vat"] - item["total_before_vat"]
    vat_amounts = [
        {
            "id": key[0],
            "name": names[key],
            "value": key[1],
            "taxable_amount": _rounded(taxable * share),
            "amount": _rounded(vat * share),
        }
        for key, (taxable, vat) in by_rate.items()
    ]
    vat = sum(each["amount"] for each in vat_amounts)
    result = {
        "subtotal": subtotal,
        "subtotal_after_vat": sum(item["total_after_vat"] for item in items),
        "discounted_subtotal": subtotal - reduction,
        "total_vat_amount": vat,
        "total_vat_amounts": vat_amounts,
        "total_amount": subtotal - reduction + vat,
        "discount": {**discount, "value": reduction} if discount else None,
    }
    if withholding_tax_rate is not None:
        result["total_withholding_tax"] = _part(subtotal - reduction, withholding_tax_rate)
    return result


def _discount(discount: Mapping[str, Any] | None, amount: int) -> int:
    """Return by how much a discount lowers an amount, which is at most the whole of it."""
    if discount is None:
        return 0
    value: int = discount["amount"]
    return min(amount, _part(amount, value) if discount["type"] == "percentage" else value)


def _part(amount: int, rate: int) -> int:
    return _rounded(Decimal(amount) * rate / WHOLE)


def _rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))
