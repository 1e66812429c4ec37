"""The command line: `monite-auth`, and the same verbs for `manage.py` and `flask`. Public.

    group = command_group(MyApplication(), name="monite", help="Monite access tokens.")  # a click.Group

A framework's adapter subclasses `Application`, which says where the broker comes from and how users are named. All else is here:

| module | has |
|---|---|
| `application` | what a framework tells the verbs |
| `verb` | what all verbs share: `--json`, exit codes, errors as sentences |
| `results` | what a verb found out, and tables |
| `screen` | text, JSON or rich |
| `setup`, `tokens`, `endings`, `status` | the verbs about the app's own tokens |
| `store` | the verbs about the token store itself |
| `entities`, `users`, `roles` | the verbs about what the partner has in Monite |
| `local` | the local Monite, and a demo with it |
| `plain` | `monite-auth` itself, for an app of any framework, found by `--app` |
"""

from monite_auth.cli.application import Application
from monite_auth.cli.verb import USAGE
from monite_auth.cli.verbs import VERBS, command_group, run_verb

__all__ = ["USAGE", "VERBS", "Application", "command_group", "run_verb"]
