"""The store's URL: what is wrong with it is told without its password."""

import pytest

from monite_auth import PostgresStore
from monite_auth.errors import ConfigurationError
from monite_auth.tokens import Secret

KEY = Secret("a-key-to-seal-with")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:start@{0}@db/app",  # libpq would take what follows the first @ for the host
        "postgresql://me:start/{0}@db/app",
        "postgresql://me:start?@{0}@db/app",
        "postgresql://me:{0}%zz@db/app",
        "mysql://me:{0}@db/app",
        "user=me password={0}",
    ],
)
def test_promise_9_an_address_that_is_wrong_is_told_without_its_password(url):
    with pytest.raises(ConfigurationError, match="no URL of a PostgreSQL server") as caught:
        PostgresStore(url.format("hunter2"), keys=[KEY])
    assert "hunter2" not in str(caught.value)
    assert "write special characters as %40" in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_option_that_libpq_does_not_have_is_named():
    with pytest.raises(ConfigurationError, match="libpq has no option sslmod"):
        PostgresStore("postgresql://me@db/app?sslmod=require&sslrootcert=x", keys=[KEY])


@pytest.mark.parametrize("hosts", ["db", "a,b"])
def test_promise_9_an_address_is_shown_without_user_and_password(hosts):
    store = PostgresStore(f"postgresql://me:p%40ss@{hosts}/app?sslmode=require", keys=[KEY])
    assert repr(store) == f"<PostgresStore at {hosts.replace(',', ', ')} (database app)>"
