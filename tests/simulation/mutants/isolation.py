"""Promise 1, isolation: mistakes that give somebody a token of somebody else."""

from monite_auth.engine.mint import Mint
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.identity import EntityUser, Partner, Subject
from monite_auth.stores import Slot
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _ForgetsTenants(TokenFlow):
    def slot(self, subject: Subject) -> Slot:
        return super().slot(subject)._replace(tenant=None)


class TenantsShareASlot(Mutant):
    about = "a user's tenants share one token"
    promise = "1 isolation"
    scenarios = ("logout in two tenants x use",)
    token_flow = _ForgetsTenants


class _AsksTheDirectoryOnce(Mint):
    async def _person(self) -> EntityUser | Partner:
        found: EntityUser | Partner | None = self.__dict__.get("_found")
        if found is None:
            found = self._found = await super()._person()
        return found


class DirectoryAskedOnce(Mutant):
    about = "a mint that was fenced by a relink goes on with the entity user from before"
    promise = "1 isolation"
    scenarios = ("relink x mint x mint",)
    mint = _AsksTheDirectoryOnce


MUTANTS: tuple[type[Mutant], ...] = (TenantsShareASlot, DirectoryAskedOnce)
