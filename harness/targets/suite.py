"""What a suite is given, and the one thing it must do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.core.clock import Clock
from harness.core.config import Config
from harness.core.seed import Seed
from harness.evidence.recorder import Recorder
from harness.targets.target import Target


class Progress(Protocol):
    """Tells a waiting person where things stand."""

    def step(self, text: str) -> None:
        """A new thing has begun, e.g. "load: 10x, 12 s left"; replaces the line before."""

    def line(self, text: str) -> None:
        """A lasting line, e.g. the outcome of one scenario."""


class Silent:
    """Progress for nobody."""

    def step(self, text: str) -> None: ...

    def line(self, text: str) -> None: ...


@dataclass(frozen=True)
class SuiteContext:
    """Everything a suite may use.

    `stop` is set on Ctrl-C and SIGTERM: a suite then undoes what it did and returns within seconds. `run_dir`
    is for artefacts beside the events and for the suite's own processes, which join the run through it.
    """

    config: Config
    target: Target
    recorder: Recorder
    run_dir: Path
    clock: Clock
    seed: Seed
    progress: Progress
    stop: asyncio.Event
    only: tuple[str, ...] = ()  # names asked for on the command line; empty means those of windtunnel.toml
    quick: bool = False


class Suite(Protocol):
    """Something that is run against a target.

    `run` records SuiteStarted with what it `expects`, then its evidence, then SuiteEnded; it raises
    ConfigError for a mistake of the user's and InfraError where it cannot go on, and judges nothing: that is
    the checkers' part.
    """

    name: str

    async def run(self, context: SuiteContext) -> None: ...
