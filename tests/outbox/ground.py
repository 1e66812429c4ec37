"""The application's own database, and whose tokens are alive while it is tested."""

import re
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.waiting import until

PAGE = (Path(__file__).parents[2] / "docs" / "transactions.md").read_text()
(TABLE,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


class Database:
    """A database with the table of endings, and one of users."""

    def __init__(self, url, **options):
        self.url = url
        self.engine = create_engine(url, **options)
        self.execute("DROP TABLE IF EXISTS monite_endings", "DROP TABLE IF EXISTS users")
        self.execute(TABLE, "CREATE TABLE users (id VARCHAR(32) PRIMARY KEY, is_active BOOLEAN NOT NULL)")
        self.execute("INSERT INTO users VALUES ('anna', true), ('viktor', true)")

    def execute(self, *statements):
        with self.engine.begin() as connection:
            for each in statements:
                connection.execute(text(each))

    def rows(self):
        with self.engine.connect() as connection:
            return connection.execute(text("SELECT what, user_id FROM monite_endings ORDER BY at")).all()

    def is_active(self, user):
        with self.engine.connect() as connection:
            found = connection.execute(text("SELECT is_active FROM users WHERE id = :id"), {"id": user})
            return bool(found.scalar_one())

    def close(self):
        self.engine.dispose()


def live(emulator, entity_user_id):
    return len(emulator.monite.ledger.live(entity_user_id))


def all_end(emulator, entity_user_id):
    """Wait until nothing of a person is alive."""
    until(lambda: live(emulator, entity_user_id) == 0)
