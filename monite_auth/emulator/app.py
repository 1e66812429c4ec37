"""The FastAPI application: the API behind the gate, the control endpoints and the live page."""

from fastapi import FastAPI

from monite_auth.emulator import (
    api_auth,
    api_counterparts,
    api_entities,
    api_payables,
    api_roles,
    api_users,
    control,
    errors,
)
from monite_auth.emulator.gate import Gate
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.visit import PREFIX

APIS = (api_auth, api_entities, api_users, api_roles, api_counterparts, api_payables)


def create_app(monite: Monite | None = None) -> FastAPI:
    """Return an ASGI app that serves the state `monite`. None stands for a new one, with the seed data."""
    monite = monite or Monite()
    app = FastAPI(title="Monite emulator", openapi_url=None, redirect_slashes=False)
    app.state.monite = monite
    app.add_middleware(Gate, monite=monite)
    errors.install(app)
    for api in APIS:
        app.include_router(api.router, prefix=PREFIX)
    app.include_router(control.router)
    return app
