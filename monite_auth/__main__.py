"""The entry point of `monite-auth` and `python -m monite_auth`."""

from monite_auth.cli.plain import monite_auth

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    monite_auth(prog_name="monite-auth")


if __name__ == "__main__":
    main()
