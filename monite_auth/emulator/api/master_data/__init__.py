"""What bills and invoices refer to, and is set up once: counterparts, products, bank accounts, tags, settings."""

from monite_auth.emulator.api.master_data import (
    bank_accounts,
    counterparts,
    products,
    projects,
    settings,
    tags,
)

__all__ = ["bank_accounts", "counterparts", "products", "projects", "settings", "tags"]
