"""Runs tests/conformance and prints how each client fared.

    make conformance
    python tests/conformance/table.py -k langchain      # pytest's own options

The exit code is pytest's.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_COLUMNS = ("passed", "failed", "skipped")


class Tally:
    """A pytest plugin that counts each test once, under the client that it is about."""

    def __init__(self) -> None:
        self._outcomes: dict[str, tuple[str, str]] = {}  # test -> client, outcome

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failure in setup or teardown is a failure; a test that did not get to its call was skipped."""
        before = self._outcomes.get(report.nodeid, ("", ""))[1]
        if before == "failed" or (report.outcome == "passed" and report.when != "call"):
            return
        self._outcomes[report.nodeid] = (client(report.nodeid), report.outcome)

    def __str__(self) -> str:
        """A line a client, and one for all."""
        counts: dict[str, Counter[str]] = {}
        for name, outcome in self._outcomes.values():
            counts.setdefault(name, Counter())[outcome] += 1
        lines = [*sorted(counts.items()), ("all", sum(counts.values(), Counter[str]()))]
        width = max(len(name) for name, _ in lines)
        head = f"{'':{width}}" + "".join(f"{column:>9}" for column in _COLUMNS)
        return "\n".join(
            [head, *(f"{name:{width}}" + "".join(f"{count[c]:9}" for c in _COLUMNS) for name, count in lines)]
        )


def client(nodeid: str) -> str:
    """Folder and file of a test: `anthropic langchain`, `kubernetes kubectl`."""
    path = Path(nodeid.partition("::")[0])
    return f"{path.parent.name} {path.stem.removeprefix('test_')}"


def main(options: list[str]) -> int:
    """The exit code."""
    tally = Tally()
    code = pytest.main(["-q", "-r", "fE", str(HERE), *options], plugins=[tally])
    print(f"\n{tally}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
