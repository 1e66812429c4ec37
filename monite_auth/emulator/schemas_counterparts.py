"""The bodies of requests about counterparts, field by field as in Monite's OpenAPI document."""

# ruff: noqa: D101
# Classes need no docstrings: each has the name of a schema of Monite's and its fields.

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator

from monite_auth.emulator.schemas import DescribedByType, Email, WithoutNulls


class CounterpartAddress(WithoutNulls):
    city: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    line1: str
    postal_code: str
    line2: str | None = None
    state: str | None = None


class _PartyChange(WithoutNulls):
    email: Email | None = None
    is_customer: bool | None = None
    is_vendor: bool | None = None
    phone: str | None = None
    tag_ids: list[UUID] | None = None


class _Party(_PartyChange):
    address: CounterpartAddress
    is_customer: bool
    is_vendor: bool


class CounterpartOrganizationChange(_PartyChange):
    legal_name: str | None = None


class CounterpartOrganization(_Party):
    legal_name: str


class CounterpartIndividualChange(_PartyChange):
    first_name: Annotated[str, Field(min_length=1)] | None = None
    last_name: Annotated[str, Field(min_length=1)] | None = None
    title: str | None = None


class CounterpartIndividual(_Party):
    first_name: Annotated[str, Field(min_length=1)]
    last_name: Annotated[str, Field(min_length=1)]
    title: str | None = None


class _CounterpartFields(WithoutNulls):
    external_reference: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    reminders_enabled: bool | None = None
    tax_id: Annotated[str, Field(max_length=30)] | None = None


class CreateCounterpart(_CounterpartFields, DescribedByType):
    organization: CounterpartOrganization | None = None
    individual: CounterpartIndividual | None = None


class UpdateCounterpart(_CounterpartFields):
    organization: CounterpartOrganizationChange | None = None
    individual: CounterpartIndividualChange | None = None

    @model_validator(mode="before")
    @classmethod
    def _describes_one_party(cls, body: Any) -> Any:
        if isinstance(body, dict) and ("organization" in body) == ("individual" in body):
            raise ValueError("the body needs either the field organization or the field individual")
        return body
