"""Where a user's files lie: windtunnel.toml, the suites, the state of what runs, the reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.core.config import Config
from harness.core.config_file import FILE, parse_config
from harness.core.errors import ConfigError
from harness.evidence.rundir import META, RunDir


@dataclass(frozen=True)
class Workspace:
    """A configuration and the folders that belong to it."""

    file: Path
    config: Config

    def aimed_at(self, kind: str | None) -> Workspace:
        """The same with another kind of target; None: as the file says."""
        if kind is None:
            return self
        target = self.config.target.model_copy(update={"kind": kind})
        return Workspace(self.file, self.config.model_copy(update={"target": target}))

    @property
    def state(self) -> Path:
        """What must survive the harness's death: running clusters, undo logs. Never in git."""
        return self.config.root / ".windtunnel"

    @property
    def reports(self) -> Path:
        return self.config.path(self.config.reports)

    def run(self, name: str) -> RunDir:
        """The run called `name`: a path, an id under the reports folder, or `latest`."""
        if name == "latest":
            runs = sorted(path.parent for path in self.reports.glob(f"*/{META}") if path.parent.name != "sample")
            if not runs:
                raise ConfigError(f"there is no run under {self.reports}", hint="`windtunnel verify` makes one")
            return RunDir.open(runs[-1])
        path = Path(name)
        return RunDir.open(path if path.is_dir() else self.reports / name)


def open_workspace(config: Path | None) -> Workspace:
    """The workspace of the file `config`, or of the nearest windtunnel.toml upwards from here.

    Raises ConfigError (exit code 64) when there is none or it is wrong.
    """
    file = config or _nearest()
    try:
        text = file.read_text()
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {file}",
            hint="`windtunnel init` writes a windtunnel.toml; --config PATH names another",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=file) from None
    return Workspace(file, parse_config(text, file))


def _nearest() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise ConfigError(
        f"there is no {FILE} in {here} or above it",
        hint="`windtunnel init` writes one for your services; --config PATH names one that lies elsewhere",
    )
