"""`manage.py monite_token`: the verb `token` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("token")
