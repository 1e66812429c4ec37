"""A toy: a whole store in a dictionary behind one lock, as docs/write-a-store.md walks through it.

It is written against `monite_auth.stores` alone, and passes the contract. It is slow and never forgets an ending: do not use it.
One line registers it; the tests do it by an entry point, as a package would.

| file | has |
|---|---|
| `store` | DictionaryStore: what a broker is given |
| `state` | what is kept for one account, and how a token is taken away |
| `operations` | all operations, in the order of the protocol: `tokens`, `sessions`, `revocations`, `notes`, and the budget |
"""

from tests.toys.store_dictionary.store import DictionaryStore

__all__ = ["DictionaryStore"]
