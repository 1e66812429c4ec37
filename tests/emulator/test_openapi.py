"""The emulator's own description of what it serves, for tools that read OpenAPI."""

import re

from monite_auth.emulator.api import SERVED
from tests.data import specification


def test_the_document_describes_every_operation_that_is_served(api):
    document = api.send("GET", "/openapi.json").json()
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == SERVED.keys()
    references = re.findall(r"#/components/schemas/([^\"']+)", str(document))
    assert {*references} <= document["components"]["schemas"].keys()


def test_the_facts_can_be_written_from_the_document_again(api, tmp_path):
    """Nothing is lost on the way from the facts to the document. It has no line for what is not served."""
    specification.write(api.send("GET", "/openapi.json").json(), tmp_path)
    shapes = (tmp_path / "shapes.txt").read_text()
    assert shapes == (specification.FOLDER / "shapes.txt").read_text()
