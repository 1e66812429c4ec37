"""The app that the tests serve with gunicorn. Its settings come from the environment."""

import os

from monite_auth import EntityUser
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from tests.integrations.flask_apps import app_of

app = app_of(directory={"anna": EntityUser(ANNA_ID, BAKERY_ID)})


@app.after_request
def say_who_answers(response):
    response.headers["X-Worker"] = str(os.getpid())
    return response
