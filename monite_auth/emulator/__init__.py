"""A local Monite for demos and tests. The names in `__all__` are public.

It implements Monite's rules on its own. It imports none of the client's code, so it cannot share the client's mistakes.
`Monite` is the state, `create_app` makes the ASGI app, and `serve` runs that app on a real port:

    with serve(Monite(requests_per_second=10_000)) as emulator:
        ...  # talk to emulator.api_url, inspect emulator.monite

The folders, from the ground up; `pyproject.toml` holds them to that order:

| `world` | what there is: partners, their records, permissions, the time |
| `demo` | the data to begin with |
| `specification` | what Monite's API looks like, as facts |
| `traffic` | what clients do: tokens that they hold, requests, the limit |
| `webhooks` | what happens is told to who subscribed |
| `faults` | what goes wrong on purpose |
| `answers` | answers that have not been sent yet, and refusals |
| `state` | the whole of it, as JSON, and on disk |
| `api` | what each operation does |
| `seeds` | worlds in YAML or JSON |
| `gateway` | what stands in front of the API |
| `control` | what tests and the live page ask for |
| `app`, `server` | the application, and how it is served |
"""

try:
    import fastapi as _fastapi
    import uvicorn as _uvicorn
except ImportError as error:
    raise ImportError(
        f"monite_auth.emulator needs {error.name}; install it with: pip install 'monite-auth[emulator]'",
        name=error.name,
    ) from error

from monite_auth.configuration.demo import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.emulator.app import create_app
from monite_auth.emulator.demo.companies import (
    AMELIA_ID,
    ANNA_AT_BOOKS_ID,
    ANNA_AT_TEA_ID,
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    OSKAR_ID,
    PEOPLE,
    TEA_ID,
    TILDA_ID,
    VIKTOR_ID,
    VIOLET_ID,
)
from monite_auth.emulator.faults.kinds import Fault
from monite_auth.emulator.server import Emulator, serve
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.traffic.ledger import Token
from monite_auth.emulator.world.clock import Clock

del _fastapi, _uvicorn

__all__ = [
    "AMELIA_ID",
    "ANNA_AT_BOOKS_ID",
    "ANNA_AT_TEA_ID",
    "ANNA_ID",
    "BAKERY_ID",
    "BOOKS_ID",
    "DEMO_CLIENT_ID",
    "DEMO_CLIENT_SECRET",
    "OSKAR_ID",
    "PEOPLE",
    "TEA_ID",
    "TILDA_ID",
    "VIKTOR_ID",
    "VIOLET_ID",
    "Clock",
    "Emulator",
    "Fault",
    "Monite",
    "Token",
    "create_app",
    "serve",
]
