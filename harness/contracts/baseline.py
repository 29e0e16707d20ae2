"""Baselines: the contracts as they were when somebody last agreed to them, kept in git.

`record` writes them from the live services, `diff` compares. windtunnel.toml says where each one lies
(`openapi_baseline`, `tools_baseline`); without a word it is `contracts/openapi/<service>.json` and
`contracts/tools/<service>.json`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import JsonValue

from harness.contracts.compat.changes import Change, Kind, advice
from harness.contracts.compat.openapi import diff_openapi
from harness.contracts.compat.tools import diff_tools
from harness.contracts.promises import Promises
from harness.contracts.tools.definition import ToolDefinition, listed, read
from harness.core.config import Config
from harness.core.errors import ConfigError, InfraError
from harness.targets.target import LiveService, Target

VOLATILE = ("servers",)  # parts of a description that name where it runs, not what it promises


@dataclass(frozen=True)
class Contract:
    """One contract of one service: where its baseline lies and where the live one is read."""

    service: LiveService
    kind: str  # openapi or tools
    baseline: Path
    source: str  # URL, or a file beside windtunnel.toml


@dataclass(frozen=True)
class Difference:
    """What `diff` found for one contract. `missing` is True when there is no baseline yet."""

    contract: Contract
    changes: tuple[Change, ...] = ()
    missing: bool = False

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that break, or that could not be proved not to."""
        return tuple(change for change in self.changes if change.kind in (Kind.BREAKING, Kind.UNKNOWN))


def contracts(config: Config, target: Target, only: tuple[str, ...] = ()) -> Iterator[Contract]:
    """Every contract that the services of `target` declare; `only` names services."""
    folder = config.suites.contracts.path
    for name, service in target.services.items():
        if only and name not in only:
            continue
        spec = service.spec
        if spec.openapi is not None:
            path = spec.openapi_baseline or f"{folder}/openapi/{name}.json"
            yield Contract(service, "openapi", config.path(path), location(config, service, spec.openapi))
        if spec.tools is not None:
            path = spec.tools_baseline or f"{folder}/tools/{name}.json"
            yield Contract(service, "tools", config.path(path), service.url + spec.tools)


def location(config: Config, service: LiveService, declared: str) -> str:
    """Where a description is read: a path on the service, a URL, or a file beside windtunnel.toml."""
    if declared.startswith(("http://", "https://")):
        return declared
    file = config.path(declared.removeprefix("file:"))
    if not declared.startswith("/") or declared.startswith("file:"):
        if not file.is_file():
            raise ConfigError(
                f"services.{service.name}.openapi: no file {declared}",
                hint="give a path on the service (`/openapi.json`), a URL, or a file beside windtunnel.toml",
            )
        return str(file)
    return service.url + declared


async def fetch(http: httpx.AsyncClient, target: Target, contract: Contract) -> JsonValue:
    """The live contract, normalised. Raises InfraError when it cannot be read."""
    if not contract.source.startswith(("http://", "https://")):
        text = await asyncio.to_thread(Path(contract.source).read_text)
    else:
        try:
            answer = await http.get(contract.source, headers=dict(target.headers))
            answer.raise_for_status()
            text = answer.text
        except httpx.HTTPError as error:
            raise InfraError(
                f"the {contract.kind} contract of {contract.service.name} at {contract.source} "
                f"cannot be read: {type(error).__name__}: {error}",
                hint="is the path in windtunnel.toml right, and the service up?",
            ) from None
    try:
        document: JsonValue = json.loads(text)
        return normalised(contract.kind, document)
    except ValueError as error:
        raise InfraError(f"{contract.source} is no {contract.kind} contract: {error}") from None


def normalised(kind: str, document: Any) -> JsonValue:
    """A contract in the form that is kept and compared: free of where and when it was read."""
    if kind == "tools":
        tools = [read(entry) for entry in listed(document)]
        return [tool.document() for tool in sorted(tools, key=lambda tool: (tool.name, tool.version))]
    if not isinstance(document, dict) or "paths" not in document:
        raise ValueError("an OpenAPI description is an object with `paths`")
    return {key: value for key, value in document.items() if key not in VOLATILE}


async def record(config: Config, target: Target, *, only: tuple[str, ...] = ()) -> list[Path]:
    """Write the baseline of every contract from the live services; returns the files, for review in git."""
    written: list[Path] = []
    async with httpx.AsyncClient(timeout=15) as http:
        for contract in contracts(config, target, only):
            document = await fetch(http, target, contract)
            written.append(write(contract, document))
    return written


def write(contract: Contract, document: JsonValue) -> Path:
    """Keep `document` as the baseline of `contract`."""
    contract.baseline.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    contract.baseline.write_text(text + "\n")
    return contract.baseline


async def diff(config: Config, target: Target, *, only: tuple[str, ...] = ()) -> list[Difference]:
    """Compare every contract with its baseline. Raises ConfigError for a baseline that is no contract."""
    async with httpx.AsyncClient(timeout=15) as http:
        return [compare(contract, await fetch(http, target, contract)) for contract in contracts(config, target, only)]


def compare(contract: Contract, live: JsonValue) -> Difference:
    """What changed from the baseline of `contract` to `live` (normalised)."""
    if not contract.baseline.is_file():
        return Difference(contract, missing=True)
    try:
        old = normalised(contract.kind, json.loads(contract.baseline.read_text()))
    except ValueError as error:
        raise ConfigError(
            f"no {contract.kind} contract: {error}",
            file=contract.baseline,
            hint=f"windtunnel contracts record {contract.service.name}",
        ) from None
    if contract.kind == "tools":
        return Difference(contract, tuple(diff_tools(_tools(old), _tools(live))))
    assert isinstance(old, dict) and isinstance(live, dict)
    return Difference(contract, tuple(diff_openapi(old, live)))


def judge(difference: Difference, promises: Promises) -> None:
    """Record whether the live contract breaks its baseline, and whether the baseline is up to date."""
    contract = difference.contract
    name = f"{contract.service.name} {contract.kind}"
    again = f"windtunnel contracts record {contract.service.name}"
    if difference.missing:
        promises.not_applicable(f"compatibility of {name}: no baseline yet, write one with `{again}`")
        return
    title = "what clients of the agreed version do still works"
    for change in difference.breaking:
        payload: JsonValue = {
            "witness": change.witness if change.has_witness else None,
            "where": change.where,
            "kind": change.kind.value,
        }
        if change.kind is Kind.UNKNOWN:
            promises.undecided(
                f"baseline.{contract.kind}.compatible",
                change.subject,
                title,
                detail=change.sentence(),
                payload=payload,
                fix=f"review the change by hand; if it is meant: {again}",
            )
        else:
            promises.broken(
                f"baseline.{contract.kind}.compatible",
                change.subject,
                title,
                detail=change.sentence(),
                payload=payload,
                fix=f"keep what was promised beside the new version; if the break is meant: {again}",
            )
    if not difference.breaking:
        promises.kept(f"baseline.{contract.kind}.compatible", name, title, detail="no breaking change")
    others = [change for change in difference.changes if change not in difference.breaking]
    promises.judge(
        not others,
        f"baseline.{contract.kind}.current",
        name,
        "the baseline says what is served",
        detail=f"{len(others)} changes since it was recorded: " + "; ".join(c.sentence() for c in others[:5])
        if others
        else "no change",
        payload=[change.sentence() for change in others],
        fix=f"review the changes, then: {again}",
    )


def markdown(differences: list[Difference]) -> str:
    """The differences for a pull request: a table for each contract, and the version step they ask for."""
    lines: list[str] = []
    for difference in differences:
        contract = difference.contract
        lines.append(f"### {contract.service.name}: {contract.kind}")
        if difference.missing:
            lines += ["", "No baseline yet: `windtunnel contracts record`.", ""]
            continue
        if not difference.changes:
            lines += ["", "No change.", ""]
            continue
        lines += ["", f"Version step: **{advice(difference.changes)}**", ""]
        lines += ["| change | subject | where | what | example |", "|---|---|---|---|---|"]
        for change in sorted(difference.changes, key=lambda change: list(Kind).index(change.kind)):
            example = f"`{json.dumps(change.witness, ensure_ascii=False)[:200]}`" if change.has_witness else ""
            cells = (change.kind.value, change.subject, change.where, change.text, example)
            lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _tools(document: JsonValue) -> list[ToolDefinition]:
    return [read(entry) for entry in document] if isinstance(document, list) else []
