"""Further databases of the test project, by alias, for a test."""

from contextlib import contextmanager

from django.db import connections


@contextmanager
def further_database(alias, **parameters):
    """Have DATABASES name one more database meanwhile."""
    connections.settings[alias] = connections.configure_settings(
        {"default": connections.settings["default"], alias: parameters}
    )[alias]
    try:
        yield connections[alias]
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]
