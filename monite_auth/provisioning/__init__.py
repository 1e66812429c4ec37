"""People who are not in Monite yet: found there by their login, or created, when they first need a token.

    directory = ProvisioningDirectory(lambda principal: Profile(login=principal.user_id, first_name="Anna", …))
    broker = TokenBroker(Settings.from_env(), directory)

`profile` has what the application says about a person, `directory` what it calls, `steps` what is done in Monite and
in which order; `entities` and `ownership` say which entity that is and who may be in it; `creation` makes one thing once,
`calls` has what is asked and what the answers mean, and `partner` sends it. docs/provisioning.md is for readers in a hurry.
"""

from monite_auth.provisioning.directory import ProvisioningDirectory
from monite_auth.provisioning.profile import EntityProfile, Profile, RoleDefinition

__all__ = ["EntityProfile", "Profile", "ProvisioningDirectory", "RoleDefinition"]
