"""`manage.py monite_emulator`: the verb `emulator` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("emulator")
