"""Each extra alone, in a fresh environment, on the oldest and on the newest Python: everything imports, or names its own extra."""

import json
from pathlib import Path

import pytest

from release.environments import EXTRAS, PROJECT, PYTHONS, fresh_environment

SCRIPT = Path(__file__).with_name("import_everything.py")

BRINGS = {
    "starlette": ("monite_auth_starlette",),
    "django": ("monite_auth_django",),
    "flask": ("monite_auth_flask",),
    "redis": ("monite_auth.stores.redis",),
    "postgres": ("monite_auth.stores.postgres",),
    "monite": ("monite_auth.sdk",),
    "httpx2": ("monite_auth.outbound.httpx2_auth",),
    "emulator": ("monite_auth.emulator",),
    "testing": ("monite_auth.testing.stores",),
    "cli": (),
    "otel": (),
    "": (),
}
"""The packages that cannot be imported without an extra. The last two of the extras make more of what is always there."""

WANTS_MORE = {
    "monite_auth_starlette.fastapi": "fastapi",
    "monite_auth_django.rest_framework": "djangorestframework",
}
"""Modules for a library that no extra brings, since an app without it has no use for them."""


def test_there_are_two_pythons_to_try():
    assert len(PYTHONS) == 2


def test_every_extra_is_tried():
    assert {*BRINGS} - {""} == {*EXTRAS}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("extra", ["", *EXTRAS], ids=lambda extra: extra or "none")
def test_an_extra_alone_imports_everything_that_is_its_own(extra, version, wheel, tmp_path):
    requirement = f"{wheel}[{extra}]" if extra else str(wheel)
    with fresh_environment(PYTHONS[version], tmp_path / "environment", requirement) as environment:
        found = json.loads(environment.run("-I", str(SCRIPT)))
        said = environment.run("-m", "monite_auth", "--version")
        environment.pip("check")
    assert found["failed"] == {}
    assert said.strip() == PROJECT["version"]
    its_own = [name for name in found["missing"] if name.startswith(BRINGS[extra])] if BRINGS[extra] else []
    assert {name: found["missing"][name] for name in its_own if name not in WANTS_MORE} == {}
    assert f"'monite-auth[{extra}]'" not in found["missing"].values()
    for package in BRINGS[extra]:
        assert package in found["imported"]
    assert len(found["imported"]) > 100
