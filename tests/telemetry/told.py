"""An engine without I/O whose facts become metrics, spans and events."""

from typing import Any

from monite_auth.events.names import Names
from monite_auth.events.recorder import Recorder
from monite_auth.telemetry import Told
from monite_auth.telemetry.metrics import process_metrics
from monite_auth.telemetry.spans import span, tell_of_span
from tests.scripted import World

__all__ = ["TellingWorld"]


class TellingWorld(World):
    """A world whose `events` hold each event that would have gone to a sink."""

    def __init__(self, *answers: Any, **options: Any) -> None:
        super().__init__(*answers, **options)
        self.events: list[Any] = []
        self.recorder = Recorder(self.settings, Names(self.settings), self.events.append)
        self.telemetry = Told(process_metrics().tell, tell_of_span, self.recorder.tell, spans=span)
