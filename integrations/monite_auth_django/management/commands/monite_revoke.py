"""`manage.py monite_revoke`: the verb `revoke` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("revoke")
