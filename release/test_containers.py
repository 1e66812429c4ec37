"""The files of the two images, read line by line; `test_images.py` builds and runs them."""

import io
import json
import re
import subprocess
import sys

import pytest
import yaml

from monite_auth.cli import VERBS
from monite_auth.emulator import serve
from release.environments import PROJECT, ROOT

FOLDER = ROOT / "containers"
FILES = {"emulator": "emulator", "drain": "redis,postgres,otel"}
"""The images, and the extras that each has."""


def instructions(name: str) -> list[dict[str, str]]:
    """Return the instructions of a Containerfile, each with its value."""
    from dockerfile_parse import DockerfileParser

    parser = DockerfileParser(fileobj=io.BytesIO((FOLDER / f"{name}.Containerfile").read_bytes()))
    return [each for each in parser.structure if each["instruction"] != "COMMENT"]


def values(name: str, instruction: str) -> list[str]:
    return [each["value"] for each in instructions(name) if each["instruction"] == instruction]


def last_stage(name: str) -> list[dict[str, str]]:
    """Return the instructions from the last FROM on: what the image is."""
    every = instructions(name)
    begins = max(n for n, each in enumerate(every) if each["instruction"] == "FROM")
    return every[begins:]


@pytest.mark.parametrize("name", FILES)
def test_an_image_runs_as_nobody_in_particular(name):
    (user,) = [each["value"] for each in last_stage(name) if each["instruction"] == "USER"]
    owner, _, group = user.partition(":")
    assert int(owner) > 0, "a number, since a cluster that refuses root cannot read names"
    assert int(group) > 0
    order = [each["instruction"] for each in last_stage(name)]
    assert not {"RUN", "COPY", "ADD"} & {*order[order.index("USER") :]}, "nothing is made after it"


@pytest.mark.parametrize("name", FILES)
def test_an_image_runs_one_command_without_a_shell(name):
    (entry,) = values(name, "ENTRYPOINT")
    assert json.loads(entry) == ["/opt/monite-auth/bin/monite-auth", name]
    for command in values(name, "CMD"):
        assert isinstance(json.loads(command), list)


@pytest.mark.parametrize("name", FILES)
def test_an_image_has_no_secret_no_latest_and_nothing_from_an_address(name):
    assert {each["instruction"] for each in instructions(name)} <= {
        *(
            "ARG",
            "FROM",
            "WORKDIR",
            "COPY",
            "RUN",
            "ENV",
            "USER",
            "EXPOSE",
            "STOPSIGNAL",
            "ENTRYPOINT",
            "CMD",
        ),
    }
    assert not re.search(
        "secret|password|token|MONITE_", " ".join(values(name, "ENV") + values(name, "ARG")), re.IGNORECASE
    )
    (base,) = values(name, "ARG")
    assert re.search(r":\d[\w.-]*$", base), "a version of the base image, and not the latest"
    assert {each.partition(" AS ")[0] for each in values(name, "FROM")} == {"${PYTHON}"}


@pytest.mark.parametrize(("name", "extras"), FILES.items())
def test_an_image_installs_what_its_command_needs_with_the_pins(name, extras):
    (made,) = values(name, "RUN")
    assert f"--constraint constraints.txt '.[{extras}]'" in re.sub(r"\s+", " ", made)
    assert {*extras.split(",")} <= {*PROJECT["optional-dependencies"]}


def test_the_emulator_listens_for_others_in_its_container_and_compose_publishes_it_to_this_machine_alone():
    (command,) = values("emulator", "CMD")
    said = VERBS["emulator"].make_context("emulator", json.loads(command)).params
    assert said["expose"]
    composed = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["monite"]
    (exposed,) = values("emulator", "EXPOSE")
    assert composed["ports"] == [f"127.0.0.1:{said['port']}:{exposed}"]
    build = composed["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).resolve() == FOLDER / "emulator.Containerfile"
    program, *arguments = composed["healthcheck"]["test"][1:]
    with serve(port=0) as emulator:
        healthy = [
            sys.executable,
            *(each.replace("http://127.0.0.1:8090", emulator.url) for each in arguments),
        ]
        assert subprocess.run(healthy, check=False, capture_output=True).returncode == 0
    assert subprocess.run(healthy, check=False, capture_output=True).returncode == 1
    assert program.startswith("/opt/monite-auth/bin/")


def test_the_build_gets_nothing_of_a_checkout_but_the_package():
    lines = [line for line in (ROOT / ".containerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line[0] == "!"} == {
        *("monite_auth", "integrations", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"),
    }
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()
