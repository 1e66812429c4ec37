"""The counterparts of the seed data: a few suppliers and customers for each company. All ids are fixed."""

from monite_auth.emulator.demo.companies import BAKERY, BOOKS, TEA
from monite_auth.emulator.world.directory import Directory

# Oldest first. The columns are: company, name, role, country, postal code, city, street.
_COUNTERPARTS = (
    (BAKERY, "Mühlenhof Mehle KG", "vendor", "DE", "16278", "Angermünde", "Mühlenweg 3"),
    (BAKERY, "Spree Immobilien GmbH", "vendor", "DE", "10178", "Berlin", "Spandauer Straße 2"),
    (BAKERY, "Café Morgenrot", "customer", "DE", "10435", "Berlin", "Kastanienallee 85"),
    (BOOKS, "Gannet Press", "vendor", "GB", "BS3 4EA", "Bristol", "31 Bedminster Parade"),
    (BOOKS, "Redcliffe Library", "customer", "GB", "BS1 6NL", "Bristol", "4 Redcliffe Hill"),
    (TEA, "Assam Direct", "vendor", "IN", "781001", "Guwahati", "12 Strand Road"),
    (TEA, "Hotel Seeblick", "customer", "CH", "6003", "Luzern", "Haldenstrasse 6"),
)


def sow_counterparts(directory: Directory) -> None:
    """Add the counterparts to a directory that has the other seed data. Nobody in particular has created them."""
    for number, (company, name, role, country, postal_code, city, line1) in enumerate(_COUNTERPARTS, start=1):
        counterpart_id = f"c0071e12-0000-4000-8000-{number:012}"
        address_id = f"add12e55-0000-4000-8000-{number:012}"
        directory.counterparts.add(
            counterpart_id,
            {
                "type": "organization",
                "organization": {
                    "legal_name": name,
                    "is_vendor": role == "vendor",
                    "is_customer": role == "customer",
                },
                "default_billing_address_id": address_id,
                "default_shipping_address_id": address_id,
            },
            entity_id=company.id,
        )
        directory.table("counterparts.addresses").add(
            address_id,
            {
                "counterpart_id": counterpart_id,
                "country": country,
                "postal_code": postal_code,
                "city": city,
                "line1": line1,
            },
            entity_id=company.id,
            parent_id=counterpart_id,
        )
        for bill in directory.payables.all(company.id):
            if bill.fields["counterpart_raw_data"]["name"] == name:
                known = {"counterpart_id": counterpart_id, "counterpart_address_id": address_id}
                directory.payables.amend(bill, known)
