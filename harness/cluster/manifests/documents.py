"""YAML documents that remember where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.core.errors import ConfigError

Json = dict[str, Any]


@dataclass(frozen=True)
class Document:
    """One Kubernetes object as written, with the file and line where it begins."""

    body: Json
    file: Path
    line: int

    @property
    def kind(self) -> str:
        return str(self.body.get("kind", ""))

    @property
    def name(self) -> str:
        return str((self.body.get("metadata") or {}).get("name", ""))

    def error(self, message: str, hint: str | None = None) -> ConfigError:
        """A ConfigError about this object."""
        return ConfigError(f"{self.kind} {self.name}: {message}", file=self.file, line=self.line, hint=hint)


def read_documents(file: Path) -> list[Document]:
    """Every object in a YAML file. Raises ConfigError naming file and line for what is not YAML."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        raise ConfigError("there is no such manifest", file=file, hint="correct the path that names it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=file) from None
    documents: list[Document] = []
    try:
        for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
            if node is None:
                continue
            body = _construct(node)
            line = node.start_mark.line + 1
            if body is None:
                continue
            if not isinstance(body, dict):
                raise ConfigError("expected a mapping with apiVersion and kind", file=file, line=line)
            documents.append(Document(body, file, line))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"not YAML: {problem}", file=file, line=mark.line + 1 if mark else None) from None
    return documents


def _construct(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    return loader.construct_document(node)
