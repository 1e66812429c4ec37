"""The example app for FastAPI, and beside it one page whose calls go to Monite directly, with a token in the browser.

`MONITE_BASE_URL` is where they go.
"""

from starlette.requests import Request
from starlette.responses import HTMLResponse

from examples.fastapi_app.app import app, broker
from examples.shared.pages import local_monite
from examples.shared.people import ORGANIZATIONS
from monite_auth_starlette import monite_app

app.mount("/tokens", monite_app())


@app.get("/direct")
async def direct(request: Request) -> HTMLResponse:
    api = broker.settings.base_url
    monite = local_monite(api)
    entity_id = ORGANIZATIONS[request.session["organization"]].entity_id
    return HTMLResponse(
        f"""<!doctype html>
        <html lang="en">
        <title>Office</title>
        <link rel="icon" href="/static/mark.svg">
        <link rel="stylesheet" href="/static/style.css">
        <script type="module" src="/static/react/office.js"></script>
        <main id="office" data-entity-id="{entity_id}" data-api="{api}" data-token="/tokens/token"></main>
        """,
        headers={
            "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline';"
            f" connect-src 'self' {monite}; frame-src {monite}"
        },
    )
