"""`manage.py monite_check`: the verb `check` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("check")
