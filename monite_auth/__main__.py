"""The entry point of `monite-auth` and `python -m monite_auth`: it only says which extra the commands need."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from monite_auth.cli import app  # noqa: PLC0415 - typer may be missing
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.exit(
            "The monite-auth command needs typer; install it with: pip install 'monite-auth[cli]' "
            "(and for the emulator: pip install 'monite-auth[cli,emulator]')"
        )
    app(prog_name="monite-auth")


if __name__ == "__main__":
    main()
