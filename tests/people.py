"""The people of the emulator's bakery, as an app knows them."""

from monite_auth import EntityUser, Principal
from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID

__all__ = ["ANNA", "PEOPLE", "VIKTOR"]

ANNA = Principal("anna", session_id="anna-1")
VIKTOR = Principal("viktor", session_id="viktor-1")
PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID), "viktor": EntityUser(VIKTOR_ID, BAKERY_ID)}
"""A directory: Anna is an accountant, Viktor may look only."""
