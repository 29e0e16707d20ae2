"""windtunnel.toml as text, from what was discovered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.app.discover import Discovered

_HEAD = """# Your services as a target for windtunnel. Every key is explained in docs/windtunnel-toml.md.
seed = 1                  # every random draw of a run derives from it
reports = "reports"       # where runs land; keep it out of git

[target]
name = "my-services"
kind = "external"         # URLs; `local` runs Kubernetes manifests as processes, `kubernetes` uses a cluster
"""

_TAIL = """
[target.auth]
kind = "none"             # bearer: token_env = "NAME" or token_file = "path"

[suites.load]
profile = "10x-peak"      # load/profiles/10x-peak.yaml: put your own peak there

[suites.chaos]
required = {chaos}          # pod faults need a cluster: see kind = "local" or "kubernetes" above
"""


_NONE = {
    "idempotency_header": "   # none is described; name it, and the suites hold the service to it",
    "location_header": '      # not described for a 202; "Location" if it is sent',
}
_DEFAULTS = {
    "id_field": '"task_id"        # not described: the field with the id of a task\n',
    "status_field": '"status"     # not described: the field with its state, of pending, succeeded, failed\n',
    "output_field": '"output"     # not described: the field with what it found\n',
}


def unknown(tasks: Mapping[str, Any]) -> list[str]:
    """The keys of a task API that its description does not tell, and that suites need."""
    needed = ("id_field", "status_field") if tasks.get("submit") else ()
    return [name for name in (*needed, "output_field") if name not in tasks]


def windtunnel_toml(services: Sequence[Discovered]) -> str:
    """A windtunnel.toml that parses, with a comment where a person must decide."""
    parts = [_HEAD]
    for service in services:
        parts.append(f"\n[target.services.{_key(service.name)}]\n")
        parts.append(f"role = {_value(service.role)}\nurl = {_value(service.url)}\n")
        for name in ("openapi", "health", "ready", "metrics", "tools"):
            value = getattr(service, name)
            if value is not None:
                parts.append(f"{name} = {_value(value)}\n")
            elif name in ("health", "ready"):
                parts.append(f'{name} = ""                # none found; name its path when there is one\n')
        if service.tasks is not None:
            parts.append(f"\n[target.services.{_key(service.name)}.tasks]\n")
            for name, value in service.tasks.items():
                absent = value is None
                parts.append(f"{name} = {_value('' if absent else value)}{_NONE.get(name, '') if absent else ''}\n")
            parts += [f"# {name} = {_DEFAULTS[name]}" for name in unknown(service.tasks)]
    parts.append(_TAIL.format(chaos="false"))
    return "".join(parts)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value)
