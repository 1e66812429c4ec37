"""The entity users of the emulator's demo people, by the first part of a user's name."""

from monite_auth import EntityUser
from monite_auth.emulator import AMELIA_ID, ANNA_ID, BAKERY_ID, BOOKS_ID, OSKAR_ID, VIKTOR_ID

PEOPLE = {
    "anna": EntityUser(ANNA_ID, BAKERY_ID),
    "viktor": EntityUser(VIKTOR_ID, BAKERY_ID),
    "oskar": EntityUser(OSKAR_ID, BAKERY_ID),
    "amelia": EntityUser(AMELIA_ID, BOOKS_ID),
}
