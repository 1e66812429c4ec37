"""What the application's role needs in the database, and no more: for schemas that somebody else has made."""

__all__ = ["grant_script"]


def grant_script(role: str) -> str:
    """Return the statements that let a role use the store; they do no harm where it has the rights already.

    It reads and writes rows. It cannot make, change or drop anything, and nobody but the owner changes the schema's version.
    """
    name = '"' + role.replace('"', '""') + '"'
    return (
        f"GRANT USAGE ON SCHEMA monite_auth TO {name};\n"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA monite_auth TO {name};\n"
        f"REVOKE INSERT, UPDATE, DELETE ON monite_auth.schema_version FROM {name};\n"
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA monite_auth TO {name};\n"
    )
