"""`windtunnel scenarios lint`: what is wrong with the files, before anything is started for them."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from harness.app.workspace import open_workspace
from harness.core.errors import EXIT_FAIL, EXIT_PASS, ConfigError
from harness.scenarios.lint import lint
from harness.scenarios.reading import files_in

COLOURS = {"error": "red", "warning": "yellow"}


def lint_command(config: Path | None, named: tuple[Path, ...]) -> int:
    """Print each remark on the `named` files, or on all of the scenarios' folder; 1 when there is one."""
    workspace = open_workspace(config)
    folder = workspace.config.path(workspace.config.suites.scenarios.path)
    files = [found for path in named for found in _files(path, folder)] if named else files_in(folder)
    remarks = lint((_shown(file) for file in files), frozenset(workspace.config.target.services))
    console = Console()
    for remark in remarks:
        colour = COLOURS[remark.level]
        console.print(f"[{colour}]{remark.level}[/{colour}] {escape(remark.text)}", soft_wrap=True, highlight=False)
        if remark.fix:
            console.print(f"[green]fix[/green]   {escape(remark.fix)}", soft_wrap=True, highlight=False)
    errors = sum(remark.level == "error" for remark in remarks)
    files_read = f"{len(files)} file{'s' if len(files) != 1 else ''}"
    console.print(f"{files_read}: {errors} errors, {len(remarks) - errors} warnings", highlight=False)
    return EXIT_FAIL if remarks else EXIT_PASS


def _files(path: Path, folder: Path) -> list[Path]:
    """A file, a folder of them, or a scenario's file by its bare name."""
    if path.is_dir():
        return files_in(path)
    by_name = folder / f"{path}.yaml"
    if path.is_file() or not by_name.is_file():
        if not path.is_file():
            raise ConfigError(f"there is no file {path}, and no {by_name.name} in {folder}")
        return [path]
    return [by_name]


def _shown(file: Path) -> Path:
    """Relative where that is shorter, as an editor's problem list likes it."""
    there = Path(os.path.relpath(file))
    return there if not str(there).startswith("..") else file
