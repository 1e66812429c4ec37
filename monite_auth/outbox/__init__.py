"""Endings in the application's own transaction: rows of its database that say whose sessions are to end. Private.

Applications use `TokenBroker(outbox=…)`, `broker.end_user_in` and `broker.relink_in`; adapters get `Ending` and `Outbox` from
`monite_auth.adapter`.

| module | has |
|---|---|
| `ending` | an ending as a row, and what a place for such rows does |
| `connections` | how psycopg's and SQLAlchemy's connections are asked, threads' and event loops' alike |
| `table` | the rows in the table `monite_endings` |

`monite_auth.engine.outbox_watch` carries them out.
"""

from monite_auth.outbox.connections import is_for_event_loops
from monite_auth.outbox.ending import WHAT, Ending, Outbox
from monite_auth.outbox.table import TableOutbox, outbox_of, write

__all__ = ["WHAT", "Ending", "Outbox", "TableOutbox", "is_for_event_loops", "outbox_of", "write"]
