"""`manage.py monite_drain`: the verb `drain` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("drain")
