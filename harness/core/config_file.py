"""The text of windtunnel.toml to a Config, with errors that name the file, the line and the fix."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.core.config import Config
from harness.core.errors import ConfigError

FILE = "windtunnel.toml"


def parse_config(text: str, file: Path) -> Config:
    """The configuration in `text`, which was read from `file`.

    Raises ConfigError (exit code 64) that names file, line and the fix.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"at line (\d+)", str(error))
        raise ConfigError(
            f"not TOML: {error}", file=file, line=int(match[1]) if match else None, hint="see https://toml.io"
        ) from None
    try:
        return Config.model_validate({**data, "root": file.parent.resolve()})
    except ValidationError as error:
        raise _explained(error, file, text) from None


def _explained(error: ValidationError, file: Path, text: str) -> ConfigError:
    """The first problem of a validation error as a ConfigError with the line of the key it is about."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    where = ".".join(path)
    hint: str | None = None
    if first["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        close = difflib.get_close_matches(path[-1], known, n=1)
        message = f"unknown key `{where}`"
        hint = f"did you mean `{close[0]}`?" if close else f"known keys here: {', '.join(sorted(known))}"
    elif first["type"] == "missing":
        message = f"`{where}` is missing"
        hint = f"add `{path[-1]} = ...` to [{'.'.join(path[:-1])}]" if len(path) > 1 else f"add [{where}]"
    else:
        message = f"`{where}`: {first['msg'].removeprefix('Value error, ')}"
    return ConfigError(message, file=file, line=line_of(text, path), hint=hint)


def _known_keys(path: list[str]) -> list[str]:
    """The keys that windtunnel.toml may have in the table at `path`."""
    model: Any = Config
    for part in path:
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        annotation = field.annotation if field is not None else model
        arguments = [a for a in getattr(annotation, "__args__", ()) if isinstance(a, type)]
        nested = [a for a in arguments if issubclass(a, BaseModel)]
        model = nested[0] if nested else annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [name for name in model.model_fields if name != "root"]
    return []


def line_of(text: str, path: list[str]) -> int | None:
    """The line (from 1) of the key at `path` in TOML `text`, or of the deepest table above it."""
    table: list[str] = []
    best: tuple[int, int] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        header = re.match(r"\[\[?\s*(.+?)\s*\]\]?\s*(#.*)?$", line)
        if header:
            table = [part.strip().strip("\"'") for part in re.findall(r'"[^"]*"|\'[^\']*\'|[^.]+', header[1])]
            here = table
        else:
            key = re.match(r"""("[^"]*"|'[^']*'|[A-Za-z0-9_.-]+)\s*=""", line)
            if not key:
                continue
            name = key[1]
            parts = [name.strip("\"'")] if name[0] in "\"'" else name.split(".")
            here = [*table, *parts]
        depth = len(here) if here == path[: len(here)] else 0
        if depth and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None
