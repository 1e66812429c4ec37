"""The addition of our own sites to the contract: both forms of views, and where the pages are."""

from typing import Literal

__all__ = ["API", "PATHS", "Form"]

Form = Literal["sync", "async"]
"""Whether an app's views are `def` or `async def`."""

API = "/monite/api/"
"""Where a site serves Monite's API."""

PATHS = {
    "login": "/login",
    "switch": "/switch",
    "logout": "/logout",
    "me": "/me",
    "organization": "/organization",
    "work": "/work",
    "required": "/required",
    "create": "/create",
    "token": "/monite/token",
}
"""The paths of a site's pages, where its framework does not choose them."""
