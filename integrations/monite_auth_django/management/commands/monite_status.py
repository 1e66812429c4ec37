"""`manage.py monite_status`: the verb `status` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("status")
