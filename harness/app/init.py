"""`windtunnel init`: a windtunnel.toml and the suite folders for a user's own services."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape

from harness.app.discover import Discovered, discover
from harness.app.toml_text import unknown, windtunnel_toml
from harness.core.config_file import FILE, parse_config
from harness.core.errors import EXIT_PASS, ConfigError

_SCENARIO = """# One situation and what must come of it. docs/scenarios.md lists what can be given, done and asserted.
title: a plain question is answered
tags: [smoke]
service: {service}
given:
  llm: {{strict: false}}
when:
  - {door}: {{prompt: "What can you do?"}}
then:
  - status                # it ended well
"""


def init_command(urls: tuple[str, ...], folder: Path, *, force: bool) -> int:
    """Look at the services and write what describes them; nothing that exists is touched without `force`."""
    if not urls:
        raise ConfigError("name at least one running service", hint="windtunnel init --url http://127.0.0.1:8080")
    console = Console()
    with httpx.Client(timeout=5, follow_redirects=True) as http:
        found = [discover(url, http) for url in urls]
    text = windtunnel_toml(_unique(found))
    parse_config(text, folder / FILE)  # what we write must be what we read
    files = {FILE: text, **_suites(found)}
    existing = [name for name in files if (folder / name).exists()]
    if existing and not force:
        raise ConfigError(
            f"{', '.join(existing)} exist in {folder.resolve()}", hint="--force overwrites, --into names another folder"
        )
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        console.print(f"wrote {escape(str(path))}", highlight=False, soft_wrap=True)
    for service in found:
        tasks = "takes tasks" if service.tasks else "no task API found: describe it under its [.tasks] table"
        console.print(f"  {escape(service.name)}: {service.role}, {tasks}", highlight=False, soft_wrap=True)
        if service.tasks and unknown(service.tasks):
            console.print(f"    what its answers call these is not described: {', '.join(unknown(service.tasks))}; see "
                          "the comments in windtunnel.toml", highlight=False, soft_wrap=True)  # fmt: skip
    console.print("next: windtunnel doctor, then windtunnel contracts")
    return EXIT_PASS


def _unique(found: list[Discovered]) -> list[Discovered]:
    """The same services with names that do not meet."""
    seen: dict[str, int] = {}
    result = []
    for service in found:
        seen[service.name] = n = seen.get(service.name, 0) + 1
        result.append(service if n == 1 else Discovered(**{**service.__dict__, "name": f"{service.name}-{n}"}))
    return result


def _suites(found: list[Discovered]) -> dict[str, str]:
    """The four suite folders, adapted to the services."""
    files = {
        "contracts/README.md": "Baselines of your services' contracts: `windtunnel contracts record` writes them.\n",
        "chaos/README.md": "Chaos experiments: they need a cluster to break things in; see docs/chaos.md.\n",
        "load/locustfile.py": _shipped("load/locustfile.py"),
        "load/profiles/10x-peak.yaml": _shipped("load/profiles/10x-peak.yaml"),
        "scenarios/README.md": "One YAML file a situation; docs/scenarios.md tells the format.\n",
    }
    agent = next((service for service in _unique(found) if service.tasks), None)
    if agent is not None and agent.tasks is not None:
        door = "run" if agent.tasks.get("run") else "task"
        files["scenarios/plain-answer.yaml"] = _SCENARIO.format(service=agent.name, door=door)
    return files


def _shipped(name: str) -> str:
    """A suite file as it ships: from the wheel, or from the checkout of an editable installation."""
    packaged = resources.files("harness").joinpath("_suites", *name.split("/"))
    if packaged.is_file():
        return packaged.read_text()
    return re.sub(r"^# The question.*\n", "", (Path(__file__).parents[2] / name).read_text())
