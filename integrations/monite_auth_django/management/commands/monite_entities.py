"""`manage.py monite_entities`: the verb `entities` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("entities")
