"""A newcomer's first five minutes, on the built wheel: what the README says to install, and what it says to run."""

import re
from pathlib import Path

import pytest

from release.environments import PYTHONS, ROOT, fresh_environment

README = (ROOT / "README.md").read_text(encoding="utf-8")

VISIT = """
from fastapi.testclient import TestClient

with TestClient(app) as client:
    assert client.get("/invoices").status_code == 401
    client.post("/login", params={"user": "anna"})
    assert client.get("/invoices").json()["data"]
    assert client.get("/monite/token").json()["expires_in"] >= 600
    client.post("/logout")
    assert client.get("/invoices").status_code == 401
"""


def program(emulated: str) -> str:
    """Return the README's Python as one program, before which a local Monite is started."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    return "\n".join([emulated, blocks[0], VISIT, *blocks[1:]])


LOCAL_MONITE = """
import os
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, serve

local = serve()
os.environ["MONITE_BASE_URL"] = local.__enter__().api_url
os.environ["MONITE_CLIENT_ID"] = DEMO_CLIENT_ID
os.environ["MONITE_CLIENT_SECRET"] = DEMO_CLIENT_SECRET
"""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", PYTHONS)
def test_the_readme_runs_with_what_it_says_to_install(version, wheel, tmp_path):
    (said,) = re.findall(r"^\$ pip install 'monite-auth\[starlette\]' (.+)$", README, re.MULTILINE)
    requirements = (f"{wheel}[starlette,emulator]", *said.split())
    with fresh_environment(PYTHONS[version], tmp_path / "environment", *requirements) as environment:
        script = Path(tmp_path / "readme.py")
        script.write_text(program(LOCAL_MONITE), encoding="utf-8")
        environment.run(str(script))
