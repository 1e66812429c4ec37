"""The code of docs/transactions.md: the broker, the account that is closed, and the migration of Alembic."""

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import inspect

from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.outbox.ground import Database, all_end
from tests.people import ANNA
from tests.test_documentation import run_page


def test_the_page_closes_an_account(emulator, tmp_path, monkeypatch):
    for name, value in {
        "BASE_URL": emulator.api_url,
        "CLIENT_ID": DEMO_CLIENT_ID,
        "CLIENT_SECRET": DEMO_CLIENT_SECRET,
    }.items():
        monkeypatch.setenv(f"MONITE_{name}", value)
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///app.db")
    names = run_page("docs/transactions.md", {}, section="Without Django")
    with names["broker"] as broker:
        broker.token(ANNA)
        names["close_account"]("anna")
        all_end(emulator, ANNA_ID)
    assert not database.is_active("anna")
    names["engine"].dispose()
    database.close()


def test_the_migration_makes_the_table_that_the_statement_makes(database):
    made = columns_of(database)
    with database.engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.context(operations.migration_context):
            names = run_page("docs/transactions.md", {}, section="The table")
            names["downgrade"]()
            assert not inspect(connection).has_table("monite_endings")
            names["upgrade"]()
    assert columns_of(database) == made


def columns_of(database):
    return [each["name"] for each in inspect(database.engine).get_columns("monite_endings")]
