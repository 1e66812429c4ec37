"""The store in the database that the application already has: PostgreSQL 14 or newer, for any number of hosts.

Every operation is one statement and one round trip, and one transaction by itself. A hit is a plain query, which PostgreSQL has
prepared; all else are functions in the database (`sql/`), in a schema of their own. Time is the server's, with durations going in and
coming out, so that hosts whose clocks differ agree. It goes on evenly when somebody sets the server's clock (`monite_auth.stores.server_clock`).

| file | has |
|---|---|
| `store` | PostgresStore: accounts and forms of operations |
| `operations` | all operations, and why each may be sent twice; by concern in `tokens`, `sessions`, `revocations`, `notes`, `budget`, `status` |
| `execution` | how an operation becomes a statement |
| `keys` | the account's envelope in the database |
| `connections`, `thread_connections`, `loop_connections` | what is tried again; the connections of threads, and of an event loop |
| `listener` | how waiters hear that a mint of another process is over |
| `link`, `opening` | one connection: what is sent, what to wait for; how it is opened |
| `statements` | a statement: its text, and what its columns hold |
| `schema` | the tables and functions, and their version |
| `errors`, `health` | what can go wrong with the server; checks at the start |
| `address` | the URL |

psycopg's own connections and pool are not used, only its libpq (`psycopg.pq`): a cursor takes as long as all the rest of a hit, and a
connection that a thread or an event loop has already needs no pool.
"""

try:
    import psycopg as _psycopg  # noqa: F401 - to name the extra, here and only here
except ImportError:
    raise ImportError("The PostgreSQL store needs psycopg: pip install 'monite-auth[postgres]'.") from None

from monite_auth.stores.postgres.address import parameter_names
from monite_auth.stores.postgres.schema import setup_script
from monite_auth.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore", "parameter_names", "setup_script"]
