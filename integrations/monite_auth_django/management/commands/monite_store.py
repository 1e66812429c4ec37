"""`manage.py monite_store`: the verb `store` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("store")
