"""Which requests of a browser go on to Monite. Nothing here asks a session, a store or Monite.

A request comes from the app's own pages. Browsers say so (`Sec-Fetch-Site`; older ones, `Origin`), and each request carries a
header that no form and no other site's page can send: the version of Monite's API, as Monite's SDK sends it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from monite_auth.adapter.answers import Answer, problem
from monite_auth.adapter.origins import is_origin_of_host
from monite_auth.monite_api.headers import VERSION
from monite_auth.monite_api.operations import RequiredPermission, permission_for
from monite_auth.monite_api.own_calls import is_of_own_token
from monite_auth.settings import Settings

__all__ = ["ApiRequest", "refuse_request"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
READING = ("GET", "HEAD")

LONGEST_QUERY = 8 * 1024
"""Characters of a query. Servers take no longer request lines, as a rule."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to the API, as it came in. What it says of a person does not print.

    `path`: decoded, from behind the place where the API is mounted. `query`: as it was sent, without the "?". `headers`: with
    names in lower case.
    """

    method: str
    path: str = field(repr=False)
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    shows_end: bool = True
    """Whether the server tells where a body ends that comes in chunks, without a length: WSGI's `wsgi.input_terminated`."""

    @property
    def permission(self) -> RequiredPermission | None:
        """What the call needs, or None where it belongs to no object type."""
        return permission_for(self.method, self.path)

    @property
    def is_of_own_token(self) -> bool:
        """Whether the call belongs to no object type, and an entity user's own token may make it."""
        return is_of_own_token(self.method, self.path)

    @property
    def length(self) -> int | None:
        """The bytes of the body, as the request says, or None where it does not. Raises ValueError for no length at all.

        Beside chunks a length does not count (RFC 9112, section 6.3).
        """
        said = None if self.is_chunked else self.headers.get("content-length")
        if said is None:
            return None
        if not (said.isascii() and said.isdigit()):
            raise ValueError("no length")
        return int(said)

    @property
    def is_chunked(self) -> bool:
        """Whether a body comes without saying how long it is."""
        return "transfer-encoding" in self.headers

    @property
    def has_body(self) -> bool:
        """Whether a body comes with it, as far as its headers say. In HTTP/2 they need not."""
        return self.is_chunked or self.headers.get("content-length", "0").strip("0") != ""


def refuse_request(request: ApiRequest, settings: Settings) -> Answer | None:
    """Return the refusal of a request, or None when it may go on: if somebody is logged in, and may make the call."""
    return (
        _refuse_origin(request)
        or _refuse_method(request)
        or _refuse_version(request, settings)
        or _refuse_path(request, settings)
        or _refuse_length(request, settings)
    )


def _refuse_origin(request: ApiRequest) -> Answer | None:
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        is_own = site == "same-origin"
    else:
        is_own = origin is None or is_origin_of_host(origin, request.headers.get("host", ""))
    if not is_own:
        return problem(403, "cross_site", "This API is for the app's own pages only.")
    if VERSION not in request.headers:
        return problem(
            403, "header_missing", f"Send the header {VERSION}: it shows that a page of the app asks."
        )
    return None


def _refuse_method(request: ApiRequest) -> Answer | None:
    if request.method in METHODS:
        return None
    return problem(405, "method_not_allowed", f"Use one of {', '.join(METHODS)}.", Allow=", ".join(METHODS))


def _refuse_version(request: ApiRequest, settings: Settings) -> Answer | None:
    version = request.headers[VERSION]
    try:
        is_version = version == settings.api_version or date.fromisoformat(version).isoformat() == version
    except ValueError:
        is_version = False
    return (
        None
        if is_version
        else problem(400, "wrong_version", f"{VERSION} is a date, such as {settings.api_version}.")
    )


def _refuse_path(request: ApiRequest, settings: Settings) -> Answer | None:
    needed = request.permission
    # A partner's token is root, and no person's own.
    is_own = settings.is_monite_managed and request.is_of_own_token
    # A "?" that came escaped is part of the path: what follows it would become a query that nobody has looked at.
    if "?" in request.path or (needed is None and not is_own):
        return problem(404, "unknown_call", "Monite has no such call for people.")
    if not _is_allowed(needed, request.method, settings):
        return problem(403, "not_permitted", "The app does not allow this call.")
    if len(request.query) > LONGEST_QUERY or not (request.query.isascii() and request.query.isprintable()):
        return problem(400, "wrong_query", "The query is too long, or is not written as in a URL.")
    return None


def _is_allowed(needed: RequiredPermission | None, method: str, settings: Settings) -> bool:
    """Return whether the app has narrowed the API to less than this call (`Settings.api_allow`)."""
    allowed = settings.api_allow
    if not allowed:
        return True
    if needed is None:
        return method in READING
    return needed.object_type in allowed or f"{needed.object_type}.{needed.action}" in allowed


def _refuse_length(request: ApiRequest, settings: Settings) -> Answer | None:
    try:
        length = request.length
    except ValueError:
        return problem(400, "wrong_length", "Content-Length is a number of bytes.")
    if request.is_chunked and not request.shows_end:
        return problem(411, "length_required", "This server needs the length of a body beforehand.")
    return too_long(settings) if length is not None and length > settings.api_longest_body else None


def too_long(settings: Settings) -> Answer:
    """Return the refusal of a body that is too long."""
    return problem(413, "body_too_long", f"A body has {settings.api_longest_body:,.0f} bytes at most.")
