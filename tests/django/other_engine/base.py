"""A database of another kind, as far as anybody looks at it before it is used."""

from django.db.backends.dummy.base import DatabaseWrapper as Dummy


class DatabaseWrapper(Dummy):
    vendor = "teapot"
    display_name = "Teapot"
