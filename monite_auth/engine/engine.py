"""The engine of one broker in one process: its parts, put together."""

from monite_auth.engine.drain import Drainer
from monite_auth.engine.endings import Endings
from monite_auth.engine.mint_leader import MintLeader
from monite_auth.engine.renewal import Renewals
from monite_auth.engine.single_flight import SingleFlight
from monite_auth.engine.strays import Strays
from monite_auth.engine.surroundings import Surroundings
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.identity import Directory
from monite_auth.settings import Settings

__all__ = ["Engine"]


class Engine:
    """What threads and tasks of one process share: `tokens` gives them, `endings` ends them, `drainer` revokes them.

    Nothing here does I/O or keeps a token. Every method of a part takes the runtime to work with.
    """

    def __init__(
        self, settings: Settings, directory: Directory, surroundings: Surroundings | None = None
    ) -> None:
        around = surroundings or Surroundings()
        self.owner = around.new_id()
        """What this process is called in the store when it claims a slot."""
        self.strays = Strays(around)
        self.flights = SingleFlight(around)
        self.drainer = Drainer(settings, self.strays, around)
        leader = MintLeader(
            settings,
            directory,
            self.flights,
            self.drainer,
            self.strays,
            owner=self.owner,
            claim_poll=around.claim_poll,
        )
        self.renewals = Renewals(settings, self.flights, leader)
        self.tokens = TokenFlow(
            settings, directory, self.flights, leader, self.renewals, self.drainer, around
        )
        self.endings = Endings(self.drainer, around.epoch, revoke_within=settings.revoke_within)
