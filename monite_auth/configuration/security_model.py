"""The three security models."""

from enum import StrEnum

__all__ = ["SecurityModel"]


class SecurityModel(StrEnum):
    """How it is decided what a person may do in Monite; docs/security-models.md says when to choose which.

    `MONITE_MANAGED`: calls carry the person's own token, and Monite enforces their role.
    `PARTNER_MANAGED`: calls carry a partner token, and the application has to allow each of them.
    `MIXED`: as `PARTNER_MANAGED`, with people who are known in Monite as well.
    """

    MONITE_MANAGED = "monite_managed"
    PARTNER_MANAGED = "partner_managed"
    MIXED = "mixed"
