"""A local Monite for demos and tests. The names in `__all__` are public.

It implements Monite's rules on its own. It imports none of the client's code, so it cannot share the client's mistakes.
`Monite` is the state, `create_app` makes the ASGI app, and `serve` runs that app on a real port:

    with serve(Monite(requests_per_second=10_000)) as emulator:
        ...  # talk to emulator.api_url, inspect emulator.monite
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
from monite_auth.emulator.clock import Clock
from monite_auth.emulator.faults import Fault
from monite_auth.emulator.ledger import Token
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.seed import (
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
from monite_auth.emulator.server import Emulator, serve

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
