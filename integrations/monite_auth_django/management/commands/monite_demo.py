"""`manage.py monite_demo`: the verb `demo` of monite_auth.cli."""

from monite_auth_django.management.verbs import command_of

Command = command_of("demo")
