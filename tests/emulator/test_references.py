"""What a request names by its id has to be there, and of the same entity: in every operation that makes or changes something."""

import json
import re
from typing import Any

import httpx
import pytest

from monite_auth.emulator import BAKERY_ID
from tests.emulator.conftest import Api
from tests.emulator.world import make_everything

NOBODY = "99999999-9999-4999-8999-999999999999"


class Recorder(Api):
    """Keeps the requests that have changed something, to send them again."""

    def __init__(self, monite: Any) -> None:
        super().__init__(monite)
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = super().send(method, path, **options)
        if options.get("json") and answer.is_success and not path.startswith("/v1/auth/"):
            self.sent.append((method, path, options))
        return answer


@pytest.fixture
def recorder(monite):
    recorder = Recorder(monite)
    make_everything(recorder)
    return recorder


def test_what_a_request_names_has_to_be_the_entitys(recorder, monite):
    other = next(each.id for each in monite.directory.entities.all() if each.id != BAKERY_ID)
    elsewhere = {}
    for table, record in list(monite.directory.saved()):
        if record.entity_id == BAKERY_ID != record.id:
            elsewhere[record.id] = monite.new_id()
            monite.directory.table(table).add(elsewhere[record.id], record.fields, entity_id=other)
    asked = set()
    for method, path, options in list(recorder.sent):
        body = json.dumps(options["json"])
        for named in elsewhere.keys() & set(re.findall(r"[0-9a-f-]{36}", body)):
            for wrong in (NOBODY, elsewhere[named]):
                again = {**options, "json": json.loads(body.replace(named, wrong))}
                answer = recorder.send(method, path, **again)
                assert answer.status_code in {400, 404, 422}, (method, path, named, answer.text)
                asked.add((method, path, named))
    assert len(asked) > 20
