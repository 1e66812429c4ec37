"""`manage.py monite_whoami`: the verb `whoami` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("whoami")
