"""Provisioning: find people in Monite by their login, or create them there, when they first need a token.

    directory = ProvisioningDirectory(lambda principal: Profile(login=principal.user_id, first_name="Anna", …))
    broker = TokenBroker(Settings.from_env(), directory)

docs/provisioning.md is for readers in a hurry. The names below are public; the modules are private:

| module | has |
|---|---|
| `profile` | what the application says about a person |
| `directory` | what the application calls |
| `provisioner` | what a call does: find, plan, remove |
| `steps` | what is done in Monite, and in which order |
| `entities`, `ownership` | which entity that is, and who may be in it |
| `creation` | how one of many creates something once |
| `partner`, `answers` | the requests, and what their answers mean |

Everything here is one `async` logic over a runtime of the broker, which threads and event loops drive alike.
"""

from monite_auth.provisioning.directory import ProvisioningDirectory
from monite_auth.provisioning.profile import EntityProfile, Profile, RoleDefinition

__all__ = ["EntityProfile", "Profile", "ProvisioningDirectory", "RoleDefinition"]
