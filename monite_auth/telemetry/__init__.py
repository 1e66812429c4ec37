"""What happens, told once: private. The engine tells facts; metrics, spans, events and health are made of them here.

| to read about | open |
|---|---|
| what can be told | `facts` |
| who is told, and how a span is begun | `telemetry` |
| what is counted without being told: hits | `counts` |
| metrics and spans, by the OpenTelemetry API | `metrics`, `spans`, on `api` |
| what this process knows of Monite, for health | `vitals` |

Nothing here names a person: attributes come from short fixed lists. Events, which auditors read, are `monite_auth.events`.
"""

from monite_auth.telemetry.counts import PROCESS_COUNTS, Counts
from monite_auth.telemetry.telemetry import Silence, Telemetry, Told

__all__ = ["PROCESS_COUNTS", "Counts", "Silence", "Telemetry", "Told"]
