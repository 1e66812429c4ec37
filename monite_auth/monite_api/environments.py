"""Where Monite is, which version of its API this package speaks, and how much it takes."""

__all__ = ["API_VERSION", "ENVIRONMENTS", "REQUESTS_PER_SECOND"]

ENVIRONMENTS = {
    "sandbox": "https://api.sandbox.monite.com/v1",
    "eu": "https://api.monite.com/v1",
    "us": "https://us.api.monite.com/v1",
}
"""The API's base URLs (Monite's documentation, "Environments")."""

API_VERSION = "2024-05-25"
"""The version that this package was written for."""

REQUESTS_PER_SECOND = 30
"""Requests that one client ID may send in a second (Monite's documentation, "Rate limits")."""
