"""Monite's API for an application's own pages (a backend for frontend): the browser has the session's cookie and no token.

    api = BrowserApi()
    request = ApiRequest(method, path, query, headers)       # path: behind the place where the API is mounted
    answer = api.call(broker, request, chunks_of_the_body, find_access)   # or await api.acall(…)

The answer is an `Answer`, made here, or a `StreamedAnswer`, which comes from Monite as it is read.

| module | has |
|---|---|
| `gate` | which requests go on to Monite: from where, to which paths, by which methods |
| `headers` | which headers pass, each way |
| `bodies` | the browser's body, on its way to Monite: within its bounds, and once more where a token turns out to be dead |
| `streams` | Monite's answer, on its way to the browser |
| `busy` | how many calls of one session are under way |
| `calls` | `BrowserApi`, which puts all that together |
"""

from monite_auth.adapter.browser_api.bodies import read_body
from monite_auth.adapter.browser_api.calls import BrowserApi
from monite_auth.adapter.browser_api.gate import ApiRequest
from monite_auth.adapter.browser_api.streams import AsyncStream, Stream, StreamedAnswer

__all__ = ["ApiRequest", "AsyncStream", "BrowserApi", "Stream", "StreamedAnswer", "read_body"]
