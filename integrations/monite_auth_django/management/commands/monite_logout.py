"""`manage.py monite_logout`: the verb `logout` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("logout")
