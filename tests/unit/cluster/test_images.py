"""Which program stands for the command of a container."""

from __future__ import annotations

import sys

from harness.cluster.runtime.images import program_of
from harness.core.config import Image

IMAGES = {"ours/agents": Image(python="agents.main:main"), "redis": Image(builtin="redis")}


def test_python_of_an_image_of_ours_is_the_interpreter_that_has_its_packages() -> None:
    assert program_of("ours/agents:1.0", IMAGES, "python") == sys.executable
    assert program_of("ours/agents@sha256:00", IMAGES, "python3") == sys.executable


def test_any_other_word_is_what_it_says() -> None:
    assert program_of("ours/agents:1.0", IMAGES, "/bin/sh") == "/bin/sh"
    assert program_of("redis:7", IMAGES, "python") == "python"
    assert program_of("python:3.11", IMAGES, "python") == "python"
