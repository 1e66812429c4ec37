"""Accounts: mistakes that let one account see, or suffer from, another of the same store."""

from typing import ClassVar

from monite_auth import MemoryStore
from tests.simulation.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


class _OneForAll(MemoryStore):
    def of(self, account: str) -> MemoryStore:
        del account
        return self


class AccountsShareAStore(Mutant):
    about = "a store shows all accounts the same"
    promise = "1 isolation"
    scenarios = ("two accounts: end_everything x use x drain",)
    store = _OneForAll


class _SharesWithOthers(MemoryStore):
    shared: ClassVar[tuple[str, ...]]

    def of(self, account: str) -> MemoryStore:
        other = super().of(account)
        mine, others = self.operations(blocking=True), other.operations(blocking=True)
        for name in self.shared:
            setattr(others, name, getattr(mine, name))
        return other


class _SharesRevocations(_SharesWithOthers):
    shared = ("_revocations",)


class AccountsShareRevocations(Mutant):
    about = "a drain works on the revocations of all accounts"
    promise = "1 isolation"
    scenarios = ("two accounts: end_everything x use x drain",)
    store = _SharesRevocations


class _SharesEndings(_SharesWithOthers):
    shared = ("_endings",)


class AccountsShareEndings(Mutant):
    about = "who has logged out of one account has of all"
    promise = "4 valid beats new"
    scenarios = ("two accounts: mint and logout x mint",)
    store = _SharesEndings


class _SharesCooldowns(_SharesWithOthers):
    shared = ("_everyone",)


class AccountsShareCooldowns(Mutant):
    about = "wrong credentials of one account keep another from minting"
    promise = "4 valid beats new"
    scenarios = ("two accounts: wrong credentials of one x mint",)
    store = _SharesCooldowns


MUTANTS: tuple[type[Mutant], ...] = (
    AccountsShareAStore,
    AccountsShareRevocations,
    AccountsShareEndings,
    AccountsShareCooldowns,
)
