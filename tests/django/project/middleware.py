"""A middleware of the test project's own."""

from monite_auth_django.middleware import MoniteAuthMiddleware


class OurMiddleware(MoniteAuthMiddleware):
    """A subclass of the middleware that does a little more."""
