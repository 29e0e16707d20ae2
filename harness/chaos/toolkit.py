"""The one module that calls Chaos Toolkit."""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable, Mapping
from typing import Any

from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid, run_experiment
from chaoslib.hypothesis import within_tolerance
from chaoslib.run import RunEventHandler
from chaoslib.types import Schedule, Strategy

from harness.chaos.experiment import Experiment
from harness.core.errors import ConfigError

# Its default leaves out the rollbacks when the hypothesis raised: the fault would stay.
SETTINGS = {"runtime": {"rollbacks": {"strategy": "always"}}}


class _Narrator(RunEventHandler):  # type: ignore[misc]
    def __init__(self, say: Callable[[str], None], stop: Callable[[], None]) -> None:
        self._say = say
        self._stop = stop

    def started(self, experiment: Any, journal: Any) -> None:
        # Chaos Toolkit has just put its own handler there, whose exception a python action swallows.
        signal.signal(signal.SIGTERM, lambda *_: self._stop())

    def start_activity(self, activity: Mapping[str, Any]) -> None:
        self._say(str(activity.get("name", "")))


def validate(experiment: Experiment) -> None:
    """Raises ConfigError where Chaos Toolkit does not take the file."""
    try:
        ensure_experiment_is_valid(copy.deepcopy(dict(experiment.document)))
    except ChaosException as error:
        raise ConfigError(str(error), file=experiment.path, hint="chaos validate shows more") from None


def run_document(experiment: Experiment, *, say: Callable[[str], None], stop: Callable[[], None]) -> dict[str, Any]:
    """Run the file as it is; returns Chaos Toolkit's journal. Blocks; main thread only.

    `say` gets the name of each step, `stop` is called on SIGTERM.

    Raises ConfigError for a file that Chaos Toolkit does not take.
    """
    validate(experiment)
    frequency = (experiment.document.get("configuration") or {}).get("hypothesis_every_s")
    strategy = Strategy.CONTINUOUS if frequency else Strategy.DEFAULT
    schedule = Schedule(continuous_hypothesis_frequency=float(frequency or 1.0))
    journal: dict[str, Any] = run_experiment(
        copy.deepcopy(dict(experiment.document)),
        settings=copy.deepcopy(SETTINGS),
        strategy=strategy,
        schedule=schedule,
        event_handlers=[_Narrator(say, stop)],
    )
    return journal


def tolerated(tolerance: Any, output: Any) -> bool:
    """Chaos Toolkit's own comparison of a probe's output with its tolerance."""
    return bool(within_tolerance(tolerance, output))
