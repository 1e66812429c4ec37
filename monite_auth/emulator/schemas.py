"""The request bodies that Monite accepts, field by field as in its OpenAPI document. Unknown fields are refused."""

# ruff: noqa: D101
# Classes need no docstrings: each has the name of a schema of Monite's and its fields.

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monite_auth.emulator.permissions import Permissions

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Name = Annotated[str, Field(max_length=255)]
Text100 = Annotated[str, Field(min_length=1, max_length=100)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Return the fields that the caller sent, ready for JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


class WithoutNulls(Body):
    @model_validator(mode="before")
    @classmethod
    def _has_no_nulls(cls, body: Any) -> Any:
        """Refuse null: in these bodies a field has a value or is missing."""
        if isinstance(body, dict) and None in body.values():
            raise ValueError("null is not a value of these fields; leave the field out")
        return body


class DescribedByType(Body):
    type: Literal["organization", "individual"]

    @model_validator(mode="after")
    def _describes_its_type(self) -> Self:
        other = "individual" if self.type == "organization" else "organization"
        if getattr(self, self.type) is None or getattr(self, other) is not None:
            raise ValueError(f"type {self.type} needs the field {self.type}, and no field {other}")
        return self


class ObtainToken(Body):
    client_id: UUID
    client_secret: str
    grant_type: Literal["client_credentials", "entity_user"]
    entity_user_id: UUID | None = None

    @model_validator(mode="after")
    def _names_its_user(self) -> Self:
        if self.grant_type == "entity_user" and self.entity_user_id is None:
            raise ValueError("entity_user_id is required for grant_type entity_user")
        return self


class RevokeToken(Body):
    client_id: UUID
    client_secret: str
    token: str


class Address(Body):
    city: Text100
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    line1: Annotated[str, Field(min_length=1, max_length=200)]
    postal_code: Annotated[str, Field(min_length=1, max_length=10)]
    line2: Text100 | None = None
    state: Text100 | None = None


class AddressChange(Body):
    city: Text100 | None = None
    line1: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    postal_code: Annotated[str, Field(min_length=1, max_length=10)] | None = None
    line2: Text100 | None = None
    state: Text100 | None = None


class OrganizationChange(Body):
    legal_name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    legal_entity_id: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    business_structure: str | None = None
    directors_provided: bool | None = None
    executives_provided: bool | None = None
    owners_provided: bool | None = None
    representative_provided: bool | None = None


class Organization(OrganizationChange):
    legal_name: Annotated[str, Field(min_length=1, max_length=255)]


class IndividualChange(Body):
    first_name: Text100 | None = None
    last_name: Text100 | None = None
    title: Annotated[str, Field(min_length=1, max_length=10)] | None = None
    date_of_birth: date | None = None
    id_number: Text100 | None = None
    ssn_last_4: Annotated[str, Field(min_length=4, max_length=4)] | None = None


class Individual(IndividualChange):
    first_name: Text100
    last_name: Text100


class _EntityFields(Body):
    phone: Annotated[str, Field(max_length=100)] | None = None
    registration_authority: Text100 | None = None
    registration_number: Text100 | None = None
    tax_id: Annotated[str, Field(min_length=1, max_length=30)] | None = None
    website: Annotated[str, Field(pattern=r"^https?://", max_length=2083)] | None = None


class CreateEntity(_EntityFields, DescribedByType):
    email: Email
    address: Address
    organization: Organization | None = None
    individual: Individual | None = None


class UpdateEntity(_EntityFields):
    email: Email | None = None
    address: AddressChange | None = None
    organization: OrganizationChange | None = None
    individual: IndividualChange | None = None


class UpdateMe(Body):
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: str | None = None
    title: Name | None = None


class UpdateEntityUser(UpdateMe):
    login: Name | None = None
    role_id: UUID | None = None


class CreateEntityUser(UpdateEntityUser):
    first_name: Name
    login: Name


class UpdateRole(Body):
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    permissions: Permissions | None = None


class CreateRole(Body):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    permissions: Permissions


class _PayableFields(WithoutNulls):
    counterpart_address_id: UUID | None = None
    counterpart_bank_account_id: UUID | None = None
    counterpart_id: UUID | None = None
    counterpart_vat_id_id: UUID | None = None
    currency: Currency | None = None
    description: Name | None = None
    discount: int | None = None
    document_id: str | None = None
    due_date: date | None = None
    issued_at: date | None = None
    partner_metadata: dict[str, Any] | None = None
    payment_terms: dict[str, Any] | None = None
    project_id: UUID | None = None
    purchase_order_id: UUID | None = None
    sender: Email | None = None
    subtotal: int | None = None
    suggested_payment_term: dict[str, Any] | None = None
    tag_ids: list[UUID] | None = None
    tax: int | None = None
    tax_amount: int | None = None
    total_amount: int | None = None


class CreatePayable(_PayableFields):
    base64_encoded_file: str | None = None
    file_name: Annotated[str, Field(max_length=512)] | None = None


class RawCounterpart(Body):
    name: str | None = None
    email: Email | None = None
    phone: str | None = None
    tax_id: Annotated[str, Field(max_length=30)] | None = None
    address: dict[str, Any] | None = None
    bank_account: dict[str, Any] | None = None
    vat_id: dict[str, Any] | None = None


class UpdatePayable(_PayableFields):
    amount_paid: Annotated[int, Field(ge=0)] | None = None
    counterpart_raw_data: RawCounterpart | None = None
