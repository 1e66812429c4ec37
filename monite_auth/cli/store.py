"""`store`: the token store itself. `store sql` prints its tables, for databases in which the application may make none."""

from importlib.metadata import version

import click

from monite_auth.cli.application import application
from monite_auth.cli.store_copy import copy
from monite_auth.cli.verb import Failure, Group, verb

__all__ = ["store"]

store = Group("store", help="The token store itself.")

HEAD = """\
-- monite-auth {version}: its token store in PostgreSQL, in the schema monite_auth. Run it in the database of MONITE_STORE_URL, as
-- somebody who may create a schema. It changes nothing that is there already, so run it again after each upgrade of monite-auth.
"""


@verb("sql", "Print the statements that make the tables in PostgreSQL.", results=False)
@click.option(
    "--role",
    metavar="ROLE",
    help="The role that the application logs in as: it is granted what it needs, and no more.",
)
def sql(role: str | None) -> None:
    """Print them as one transaction. No database is asked."""
    try:
        from monite_auth.stores.postgres.rights import grant_script  # noqa: PLC0415 - an extra
        from monite_auth.stores.postgres.schema import setup_script  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Failure(str(error)) from None
    grants = "" if role is None else grant_script(role)
    head = HEAD.format(version=version("monite-auth"))
    click.echo(f"{head}BEGIN;\n{setup_script()}{grants}COMMIT;", file=application().stdout)


store.add_command(sql)
store.add_command(copy)
