"""What can be known to be wrong with an experiment before anything is touched."""

from __future__ import annotations

from pydantic import ValidationError

from harness.chaos.experiment import Experiment
from harness.chaos.toolkit import validate
from harness.core.errors import ConfigError
from harness.core.findings import CHECKERS
from harness.faults.fault import FAULTS


def preflight(experiment: Experiment) -> None:
    """Raises ConfigError, naming the file, for a file that Chaos Toolkit does not take, an unknown fault or
    checker, or a fault's wrong parameters. A checker with a typo would else silently check nothing."""
    validate(experiment)
    CHECKERS.discover("harness.checkers")
    FAULTS.discover("harness.faults.kinds")
    try:
        for name in experiment.extension.checkers:
            CHECKERS.get(name)
        for kind, params in experiment.injections:
            FAULTS.get(kind)().params.model_validate(dict(params))
    except ConfigError as error:
        raise ConfigError(error.message, file=experiment.path, hint=error.hint) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "params"
        raise ConfigError(f"fault {kind}: {where}: {first['msg']}", file=experiment.path) from None
