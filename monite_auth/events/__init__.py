"""Events for auditors: who had access to Monite when, and when it ended. Public: `Event` and `Sink`; docs/events.md has the table.

| to read about | open |
|---|---|
| what an event says | `event` |
| which facts are events, and how people are named in them | `recorder`, `names` |
| how they reach a sink without holding anybody up | `delivery` |
| where they go | `sinks` |
| who listens to what happens, all together | `listeners` |
"""

from monite_auth.events.event import EVENTS, Event, Sink

__all__ = ["EVENTS", "Event", "Sink"]
