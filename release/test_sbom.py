"""The software bill of materials of a release: what a base installation brings along, as CycloneDX, beside the wheel in dist/."""

import json
import sys

import pytest

from release.environments import PROJECT, PYTHONS, ROOT, fresh_environment, run


@pytest.mark.timeout(1800)
def test_the_bill_of_materials_names_every_package_of_a_base_installation(dist, wheel, tmp_path):
    python = list(PYTHONS.values())[-1]
    bill = dist / f"monite_auth-{PROJECT['version']}.cdx.json"
    with fresh_environment(python, tmp_path / "environment", str(wheel)) as environment:
        listed = json.loads(environment.pip("list", "--format", "json"))
        environment.pip("uninstall", "--quiet", "--yes", "monite-auth")
        run(
            *(sys.executable, "-m", "cyclonedx_py", "environment", str(environment.python)),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library", "--validate"),
            *("--output-reproducible", "--output-format", "JSON", "--output-file", str(bill)),
            folder=tmp_path,
        )
    found = json.loads(bill.read_text(encoding="utf-8"))
    assert (found["bomFormat"], found["metadata"]["component"]["name"]) == ("CycloneDX", PROJECT["name"])
    assert found["metadata"]["component"]["version"] == PROJECT["version"]
    materials = {each["name"].lower(): each for each in found["components"]}
    assert {*materials} == {each["name"].lower() for each in listed} - {"monite-auth"}
    assert all(each["version"] and each["purl"] for each in materials.values())
    for dependency in PROJECT["dependencies"]:
        assert dependency.partition(">")[0] in materials
