"""The test project, with a directory that needs no database."""

from monite_auth import EntityUser
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from tests.django.project.settings import *  # noqa: F403 - as settings modules do

MONITE_AUTH = {"DIRECTORY": {"anna": EntityUser(ANNA_ID, BAKERY_ID)}}
