"""The journal: what is owed to the shared store, in files, so that it survives the death of this process.

Each process has a file of its own for each account, from its first owed operation in an outage until the last one is carried
out. A process that finds the file of a dead one *adopts* it: it owes what stands there, and removes the file when all of it
is carried out. `journal` has what the rest of the package calls, `file` one file, `directory` where the files are.
"""

from monite_auth.stores.fallback.journal.journal import FileJournal, Journal, NoJournal
from monite_auth.stores.fallback.journal.opening import open_journal

__all__ = ["FileJournal", "Journal", "NoJournal", "open_journal"]
