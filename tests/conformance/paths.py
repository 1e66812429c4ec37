"""The ids that stand in paths: those of records that are there, as the lists tell them."""

import re
from typing import Any

import httpx

from monite_auth.emulator import BAKERY_ID, OSKAR_ID, VIKTOR_ID
from tests.conformance.document import Document, Known

#: The people who get tokens in the run, and nothing else.
SPARED = frozenset({OSKAR_ID, VIKTOR_ID})
EDITABLE = frozenset({"draft", "new"})
#: So many records are asked about in turn where a path has one id.
TRIED = 8


def filled(client: httpx.Client, path: str) -> list[str]:
    """Return a path with ids, once for each item of the list that the first id belongs to."""
    head, found, tail = re.sub(r"\{\w+\}", "{}", path).partition("/{}")
    if not found:
        return [path]
    return [way for item in _items(client, head)[:10] for way in filled(client, f"{head}/{item['id']}{tail}")]


def known(document: Document, client: httpx.Client) -> Known:
    """Return ids for each path of the run. Where one path has several, the later ones are parts of the first."""
    return {path: _ids(client, path) for path in sorted({path for _, path in document.chosen}) if "{" in path}


def _ids(client: httpx.Client, path: str) -> dict[str, list[str]]:
    head, _, rest = path.partition("/{")
    name, _, tail = rest.partition("}")
    # One of each kind and status, since they do not all allow the same. The first one is the one that most cases are
    # about: the entity of the run, or something that can still be changed. The world's own records are the newest: they
    # have more parts than those of the seed.
    items = [item for item in _items(client, head) if item["id"] not in SPARED]
    items.sort(key=lambda item: str(item.get("created_at")), reverse=True)
    items.sort(key=lambda item: (item["id"] != BAKERY_ID, item.get("status") not in EDITABLE))
    first = {(item.get("type"), item.get("status")): item["id"] for item in reversed(items)}
    chosen = [item["id"] for item in items if item["id"] in first.values()]
    chosen = list(dict.fromkeys([*chosen, *(item["id"] for item in items)]))[:TRIED]
    if "/{" not in tail:
        return {name: chosen}
    parts = {whole: _ids(client, f"{head}/{whole}{tail}") for whole in chosen}
    whole = max(parts, key=lambda each: sum(map(len, parts[each].values())))
    return {name: [whole], **parts[whole]}


def _items(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    items: list[dict[str, Any]] = answer.json().get("data", []) if answer.status_code == 200 else []
    return items
