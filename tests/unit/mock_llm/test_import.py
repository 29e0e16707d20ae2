"""What importing the mock brings along: a test suite pays for it at every start."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("httpx", "fastapi", "pydantic", "uvicorn", "yaml", "rich", "typer", "jsonschema_rs")


@pytest.mark.parametrize(
    "statement", ["import mock_llm", "import mock_llm.pytest_plugin", "from mock_llm import MockLLM"]
)
def test_an_import_leaves_heavy_packages_to_those_who_use_them(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
