"""Two families that are never mixed: we failed (`HarnessError`), or the subject failed (`Failure`)."""

from __future__ import annotations

from pathlib import Path

EXIT_PASS = 0
EXIT_FAIL = 1
EXIT_UNDECIDED = 2
EXIT_NOT_UNDONE = 3
EXIT_USAGE = 64


class HarnessError(Exception):
    """The harness or its surroundings failed; the subject is not to blame.

    `message` says what happened, `hint` what to do about it. `definite` tells whether the effect that was
    asked for definitely did not happen (Maelstrom's rule): it decides `fail` or `info` in the history.
    """

    exit_code = EXIT_UNDECIDED

    def __init__(self, message: str, *, hint: str | None = None, definite: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.definite = definite

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.hint}" if self.hint else self.message


class InfraError(HarnessError):
    """Something around the subject failed: a port, a process, a cluster, a missing program. Exit code 2."""


class ConfigError(HarnessError):
    """A file or an option that the user wrote is wrong. Exit code 64.

    The message starts with `file:line` where both are known, in the form that editors can jump to.
    """

    exit_code = EXIT_USAGE

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        where = "" if file is None else f"{file}:{line}: " if line else f"{file}: "
        super().__init__(where + message, hint=hint)
        self.file = file
        self.line = line


class UndoError(HarnessError):
    """A fault could not be undone: something is still broken on purpose. Exit code 3."""

    exit_code = EXIT_NOT_UNDONE


class Failure(AssertionError):
    """The subject broke a promise. A test runner shows it as a failure, not as an error."""
