"""A base for middleware that is both sync and async, in Django's form."""

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

__all__ = ["Both"]


class Both:
    """Serves a request by `serve` or, in an async stack, by `aserve`."""

    sync_capable = async_capable = True

    def __init__(self, get_response):
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request):
        return self.aserve(request) if self.is_async else self.serve(request)
