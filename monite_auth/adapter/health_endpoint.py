"""The health endpoint, without a framework: `GET health` for readiness, `GET health/live` for liveness.

It asks nobody, so a probe may come each second. Strangers learn whether all is well, and nothing else.
"""

from dataclasses import asdict, replace

from monite_auth.adapter.answers import Answer, json_answer, problem
from monite_auth.broker import TokenBroker

__all__ = ["answer_health_request"]


def answer_health_request(
    broker: TokenBroker, method: str, *, live: bool = False, details: bool = False
) -> Answer:
    """Return the answer for a probe: 200 where all is well, else 503.

    `live`: answer for liveness, not for readiness. `details`: whether whoever asks may know the reasons.
    """
    if method not in ("GET", "HEAD"):
        return problem(405, "method_not_allowed", "Use GET or HEAD.", Allow="GET, HEAD")
    health = broker.health()
    verdict = health.live if live else health.ready
    content: dict[str, object] = {"status": "ok" if verdict else "unavailable"}
    if details:
        content |= {"reasons": verdict.reasons, **asdict(health)}
    answer = json_answer(200 if verdict else 503, content)
    return replace(answer, body=b"") if method == "HEAD" else answer
