"""`manage.py monite_users`: the verb `users` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("users")
