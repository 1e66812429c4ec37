"""Where a request keeps what is ours."""

from monite_auth.adapter import MoniteAccess, Visit
from tests.toys.teapot import Request

__all__ = ["keep", "monite", "visit_of"]


def keep(request: Request, access: MoniteAccess, visit: Visit) -> None:
    """Keep the access and the visit of a request."""
    request.state["monite"] = access, visit


def monite(request: Request) -> MoniteAccess:
    """Return the request's MoniteAccess."""
    access: MoniteAccess = request.state["monite"][0]
    return access


def visit_of(request: Request) -> Visit:
    """Return the request's visit."""
    visit: Visit = request.state["monite"][1]
    return visit
