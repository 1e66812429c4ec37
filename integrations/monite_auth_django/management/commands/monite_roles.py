"""`manage.py monite_roles`: the verb `roles` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("roles")
