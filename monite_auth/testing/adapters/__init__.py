"""The contract of an adapter: the same scenarios for each framework, asked of a small site that uses the adapter.

    from monite_auth.testing import AdapterContract


    class TestMine(AdapterContract):
        def open_site(self, settings, *, tenants, authorize, store, api): ...

        def guard(self, object_type, action): ...

`Site` says which pages such a site has. docs/adapters.md is the walk-through.
"""

from monite_auth.testing.contracts import require_pytest

require_pytest()

from monite_auth.testing.adapters.browser_calls import BrowserCalls
from monite_auth.testing.adapters.call_passage import CallPassage
from monite_auth.testing.adapters.logins import Logins
from monite_auth.testing.adapters.organizations import Organizations
from monite_auth.testing.adapters.page_troubles import PageTroubles
from monite_auth.testing.adapters.permissions import Permissions
from monite_auth.testing.adapters.site import DIRECTORY, PARTNER_ORIGIN, Answer, Browser, Client, Site
from monite_auth.testing.adapters.token_endpoint import TokenEndpoint
from monite_auth.testing.adapters.troubles import Troubles

__all__ = ["DIRECTORY", "PARTNER_ORIGIN", "AdapterContract", "Answer", "Browser", "Client", "Site"]


class AdapterContract(
    Logins, Troubles, TokenEndpoint, BrowserCalls, PageTroubles, CallPassage, Organizations, Permissions
):
    """Everything that an adapter promises; subclass it as `class TestMine(AdapterContract)`."""
