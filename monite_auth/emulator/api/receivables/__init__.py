"""Quotes, invoices and credit notes: `documents` are the records, and each other module has one part of their life."""

from monite_auth.emulator.api.receivables import documents, files, mails, recurrences, reminders, statuses

__all__ = ["documents", "files", "mails", "recurrences", "reminders", "statuses"]
