"""The calls that belong to no object type of roles, and that a person's own token may make: Monite confines them to its entity.

With a partner token, which is root, no person may make them; `operations` has those that an application can be asked about.
What is the partner's own (settings, webhooks, mail templates, events) is not here, nor what serves Monite's own pages, but
for what Monite's React SDK reads: the currencies, without which it shows no amount, and which fields of a bill have to be
filled in.
From Monite's OpenAPI document, 2024-05-25.
"""

from monite_auth.monite_api.operations import call_pattern

__all__ = ["OWN_CALLS", "is_of_own_token"]

_READ = """
    accounting/payables accounting/payables/* accounting/receivables accounting/receivables/*
    accounting_connections accounting_connections/* accounting_synced_records accounting_synced_records/*
    accounting_tax_rates accounting_tax_rates/* batch_payments/* custom_vat_rates custom_vat_rates/*
    document_templates document_templates/system document_templates/* document_templates/*/preview
    einvoice_search einvoicing_connections einvoicing_connections/*
    entities/me entities/*/payment_methods entity_users/me entity_users/my_entity entity_users/my_role
    files files/* financing_invoices financing_offers
    frontend/bank_account_masks frontend/bank_accounts_currency_to_supported_countries
    frontend/document_type_descriptions frontend/onboarding_requirements frontend/person_mask
    internal/currencies ledger_accounts ledger_accounts/* measure_units measure_units/* payables/validations
    payment_intents payment_intents/* payment_intents/*/history payment_links/* payment_terms payment_terms/*
    recurrences recurrences/* text_templates text_templates/* vat_rates
"""

_WRITE = {
    "POST": """
        accounting_connections accounting_connections/*/disconnect accounting_connections/*/sync
        accounting_synced_records/*/push batch_payments custom_vat_rates document_templates/*/make_default
        einvoicing_connections einvoicing_connections/*/network_credentials files financing_invoices
        financing_tokens measure_units payment_links payment_links/*/expire payment_terms
        recurrences recurrences/*/cancel recurrences/*/pause recurrences/*/resume
        text_templates text_templates/*/make_default
    """,
    "PUT": "entities/*/payment_methods",
    "PATCH": """
        custom_vat_rates/* einvoicing_connections/* entities/me entity_users/me entity_users/my_entity
        measure_units/* payment_intents/* payment_terms/* recurrences/* text_templates/*
    """,
    "DELETE": """
        custom_vat_rates/* einvoicing_connections/* files/* measure_units/* payment_terms/* text_templates/*
    """,
}

OWN_CALLS = {("GET", path) for path in _READ.split()} | {
    (method, path) for method, paths in _WRITE.items() for path in paths.split()
}
"""Methods and paths, with `*` for each id."""


def is_of_own_token(method: str, path: str) -> bool:
    """Return whether this is such a call. `method`, `path`: as for `permission_for`."""
    return call_pattern(method, path) in OWN_CALLS
