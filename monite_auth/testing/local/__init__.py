"""A local Monite in the tests of an application. Its names are public in `monite_auth.testing`; the pytest plugin has the fixtures.

`monite` holds a Monite and its place in the environment, `stage` the server that outlives it, `in_process` the way to it without one,
`broker_clock` the time of a broker, `users` its entity users and `known_users` all that it has had, `ledger` the assertions and
`table` what they show when they fail.
"""

from monite_auth.testing.local.ledger import LedgerAssertions
from monite_auth.testing.local.monite import LocalMonite
from monite_auth.testing.local.users import MoniteUser, MoniteUsers

__all__ = ["LedgerAssertions", "LocalMonite", "MoniteUser", "MoniteUsers"]
