"""Programs that build and run images: podman and docker, which take the same words, and buildah, which needs neither a server nor cgroups."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from release.environments import LONGEST, ROOT

__all__ = ["Builder", "find_builder"]

BUILDERS = ("podman", "docker", "buildah")


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds an image and runs it, on the host's network and without capabilities. `program`: buildah, podman or docker."""

    program: str

    def build(self, name: str, folder: Path) -> str:
        """Build an image of containers/, and return its id. `folder`: a place for the file that has it."""
        base = os.environ.get("CONTAINER_PYTHON")
        file = folder / f"{name}.id"
        built = self._call(
            "build",
            *(["--build-arg", f"PYTHON={base}"] if base else []),
            *os.environ.get("CONTAINER_BUILD_OPTIONS", "").split(),
            *("--iidfile", str(file), "--file", f"containers/{name}.Containerfile", "."),
        )
        if built.returncode != 0 and re.search("pull|registry|manifest|resolve", built.stderr) and not base:
            pytest.skip("the base image cannot be had here; the files were only read")
        assert built.returncode == 0, built.stderr
        return file.read_text(encoding="utf-8").strip()

    @contextmanager
    def command(
        self, image: str, *arguments: str, program: str = "", **variables: str
    ) -> Iterator[list[str]]:
        """Return the command that runs an image with these arguments and variables.

        `program`: what to run instead of the image's own entry point.
        """
        settings = [each for name, value in variables.items() for each in ("--env", f"{name}={value}")]
        limits = ["--cap-drop", "all", "--network", "host"]
        if self.program != "buildah":
            other = ["--entrypoint", program] if program else []
            yield [self.program, "run", "--rm", "--read-only", *limits, *settings, *other, image, *arguments]
            return
        container = self._ask("from", image)
        try:
            what = [program, *arguments] if program else self._entry_point(image, arguments)
            yield [self.program, "run", *limits, *settings, container, "--", *what]
        finally:
            self._ask("rm", container)

    def _entry_point(self, image: str, arguments: Sequence[str]) -> list[str]:
        """Return an image's entry point, with its own arguments if there are no others: `buildah run` leaves out both."""
        config = json.loads(self._ask("inspect", "--type", "image", image))["OCIv1"]["config"]
        return [*config["Entrypoint"], *(arguments or config["Cmd"])]

    def _ask(self, *arguments: str) -> str:
        done = self._call(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments], cwd=ROOT, timeout=LONGEST, capture_output=True, text=True, check=False
        )


def find_builder() -> Builder:
    """Return a builder that can be used here, or skip the test."""
    named = os.environ.get("CONTAINER_BUILDER")
    for program in [named] if named else BUILDERS:
        answers = shutil.which(program) and subprocess.run(
            [program, "info"], capture_output=True, check=False
        )
        if answers and answers.returncode == 0:
            return Builder(program)
    pytest.skip(f"no builder of images is at hand ({', '.join(BUILDERS)}); the files were only read")
