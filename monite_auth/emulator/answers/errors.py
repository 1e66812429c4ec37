"""The refusals of the API, and the handlers that give the control endpoints' errors the same two shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

DEAD_TOKEN = "The token has been revoked, expired or not found."  # noqa: S105 - a message, not a password


class RefusedError(Exception):
    """A request that Monite answers with `status` and `{"error": {"message": …}}`."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message}}


def malformed(*complaints: tuple[Sequence[str | int], str, str]) -> JSONResponse:
    """Return the 422 answer that lists `complaints`, each of them `(location, message, type)`."""
    detail = [{"loc": list(location), "msg": message, "type": kind} for location, message, kind in complaints]
    return JSONResponse({"detail": detail}, 422)


def install(app: FastAPI) -> None:
    """Register handlers with `app`, so that it answers every error in one of Monite's shapes."""

    def answer(refusal: RefusedError) -> JSONResponse:
        return JSONResponse(refusal.body, refusal.status, refusal.headers)

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RefusedError)
        return answer(error)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        # Three fields only: pydantic's `input` and `ctx` would echo what was sent.
        return malformed(*((each["loc"], each["msg"], each["type"]) for each in error.errors()))

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answer(RefusedError(error.status_code, error.detail, error.headers))

    async def broken(_: Request, __: Exception) -> JSONResponse:
        return answer(RefusedError(500, "Internal server error"))

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, broken)
