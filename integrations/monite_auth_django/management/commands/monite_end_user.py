"""`manage.py monite_end_user`: the verb `end-user` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("end-user")
