"""The two images: their files are read line by line here, and built and run where a builder and a base image are at hand.

`CONTAINER_BUILDER` names the builder (buildah, podman or docker; by default one on the PATH whose server answers) and
`CONTAINER_PYTHON` the base image. Where none can be had the second half is skipped, and says so.
"""

import io
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from release.environments import PROJECT, ROOT

FOLDER = ROOT / "containers"
FILES = {"emulator": "emulator", "drain": "redis,otel"}
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


def test_the_build_gets_nothing_of_a_checkout_but_the_package():
    lines = [line for line in (ROOT / ".containerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line[0] == "!"} == {
        *("monite_auth", "integrations", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"),
    }
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()


def builder() -> str:
    """Return a builder that can be used here, or skip the test."""
    named = os.environ.get("CONTAINER_BUILDER")
    for program in [named] if named else ["podman", "docker"]:
        if (
            shutil.which(program)
            and subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0
        ):
            return program
    pytest.skip(
        "no builder of images is at hand (podman or docker, with its server); the files were only read"
    )


def build(program: str, name: str, folder: Path) -> str:
    """Build an image, and return its id. `CONTAINER_BUILD_OPTIONS` has more options, for a builder within a sandbox."""
    base = os.environ.get("CONTAINER_PYTHON")
    options = [
        *(["--build-arg", f"PYTHON={base}"] if base else []),
        *os.environ.get("CONTAINER_BUILD_OPTIONS", "").split(),
    ]
    file = folder / "id"
    command = [
        program,
        "build",
        *options,
        "--iidfile",
        str(file),
        "--file",
        f"containers/{name}.Containerfile",
        ".",
    ]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if built.returncode != 0 and re.search("pull|registry|manifest|resolve", built.stderr) and base is None:
        pytest.skip("the base image cannot be had here; the files were only read")
    assert built.returncode == 0, built.stderr
    return file.read_text().strip()


@pytest.mark.timeout(1800)
def test_the_emulators_image_serves_and_stops(tmp_path):
    program = builder()
    image = build(program, "emulator", tmp_path)
    options = ["--rm", "--read-only", "--cap-drop", "all", "--network", "host"]
    command = [program, "run", *options, image, "--host", "127.0.0.1", "--port", "18090"]
    with subprocess.Popen(command) as running:
        for _ in range(600):
            try:
                answer = httpx.get("http://127.0.0.1:18090/")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        running.send_signal(2)
        running.wait(60)
    assert answer.status_code == 200


@pytest.mark.timeout(1800)
def test_the_image_of_the_drain_says_which_setting_is_missing(tmp_path):
    program = builder()
    image = build(program, "drain", tmp_path)
    done = subprocess.run(
        [program, "run", "--rm", "--read-only", "--cap-drop", "all", image],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "MONITE_CLIENT_ID" in done.stdout + done.stderr
