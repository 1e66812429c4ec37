"""The FastAPI application: the API behind the gate, the control endpoints and the live page."""

from fastapi import FastAPI

from monite_auth.emulator import control, errors
from monite_auth.emulator.gate import Gate
from monite_auth.emulator.monite import Monite


def create_app(monite: Monite | None = None) -> FastAPI:
    """Return an ASGI app that serves the state `monite`. None stands for a new one, with the seed data."""
    monite = monite or Monite()
    app = FastAPI(title="Monite emulator", openapi_url=None, redirect_slashes=False)
    app.state.monite = monite
    app.add_middleware(Gate, monite=monite)
    errors.install(app)
    app.include_router(control.router)
    return app
