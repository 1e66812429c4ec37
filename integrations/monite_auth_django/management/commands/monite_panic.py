"""`manage.py monite_panic`: the verb `panic` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("panic")
