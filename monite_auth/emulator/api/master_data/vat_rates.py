"""The VAT rates that Monite knows by itself: of a few countries, in hundredths of a percent.

In other countries there are none, and a line of an invoice tells its tax by `tax_rate_value`.
"""

import uuid
from typing import Any

_RATES = {
    "AT": (2000, 1300, 1000, 0),
    "BE": (2100, 1200, 600, 0),
    "CH": (810, 380, 260, 0),
    "DE": (1900, 700, 0),
    "DK": (2500, 0),
    "ES": (2100, 1000, 400, 0),
    "FR": (2000, 1000, 550, 210, 0),
    "GB": (2000, 500, 0),
    "IE": (2300, 1350, 900, 0),
    "IT": (2200, 1000, 500, 400, 0),
    "LU": (1700, 1400, 800, 300, 0),
    "NL": (2100, 900, 0),
    "PL": (2300, 800, 500, 0),
    "PT": (2300, 1300, 600, 0),
    "SE": (2500, 1200, 600, 0),
}
_SINCE = "2024-01-01"
#: Gives each rate the same id in every emulator.
_NAMESPACE = uuid.UUID("7a7e0000-0000-4000-8000-000000000000")


def vat_rates(country: str) -> list[dict[str, Any]]:
    """Return the rates of a country, the highest first."""
    return [_rate(country, value) for value in _RATES.get(country, ())]


def vat_rate(rate_id: str) -> dict[str, Any] | None:
    """Return the rate with this id."""
    return next((rate for country in _RATES for rate in vat_rates(country) if rate["id"] == rate_id), None)


def _rate(country: str, value: int) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(_NAMESPACE, f"{country}{value}")),
        "country": country,
        "value": value,
        "status": "active",
        "created_by": "monite",
        "created_at": f"{_SINCE}T00:00:00+00:00",
        "updated_at": f"{_SINCE}T00:00:00+00:00",
        "valid_from": _SINCE,
    }
