"""Promise 1, isolation: mistakes that give somebody a token of somebody else."""

from monite_auth import Principal
from monite_auth.engine import mint, mint_leader
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.identity import EntityUser
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


_slot = TokenFlow.slot


class TenantsShareASlot(Mutant):
    about = "a user's tenants share one token"
    promise = "1 isolation"
    scenarios = ("logout in two tenants x use",)
    replaced = ((TokenFlow, "slot", lambda flow, subject: _slot(flow, subject)._replace(tenant=None)),)


class _AsksTheDirectoryOnce(mint.Mint):
    async def _find(self, principal: Principal) -> EntityUser:
        found: EntityUser | None = self.__dict__.get("_found")
        if found is None:
            found = self._found = await super()._find(principal)
        return found


class DirectoryAskedOnce(Mutant):
    about = "a mint that was fenced by a relink goes on with the entity user from before"
    promise = "1 isolation"
    scenarios = ("relink x mint x mint",)
    replaced = ((mint_leader, "Mint", _AsksTheDirectoryOnce),)


MUTANTS: tuple[type[Mutant], ...] = (TenantsShareASlot, DirectoryAskedOnce)
