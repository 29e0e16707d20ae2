"""Runs openai-python's own API tests against `mock-llm serve` as it starts by default, and prints the score.

    python tests/conformance/sdk_suites.py

They are not in the installed package: its source distribution, of the version installed here, is fetched by pip
into a temporary folder. The exit code is 1 where a test fails that `_REFUSED` does not account for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as xml
from importlib.metadata import version
from pathlib import Path

_SUITES = (
    "chat", "responses", "conversations", "test_responses.py", "test_conversations.py", "test_embeddings.py",
    "test_models.py", "test_moderations.py", "test_completions.py",
)  # fmt: skip
# The client asks for base64 by itself, and its strict mode then refuses base64: OpenAI's own answer fails these.
_REFUSED = ("test_embeddings", "strict", ("test_method_create[", "test_raw_response_create", "test_streaming_response"))


def main() -> int:
    """The exit code."""
    with tempfile.TemporaryDirectory() as folder:
        root = _source(Path(folder))
        server = subprocess.Popen(
            [sys.executable, "-m", "mock_llm", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().partition("OPENAI_BASE_URL=")[2].strip().rstrip(")")
            report = Path(folder) / "report.xml"
            _run(root, url, report)
            score = _score(report)
        finally:
            server.terminate()
            server.wait()
    print(json.dumps({"suite": "openai-python", "version": version("openai"), **score}, indent=2))
    return 1 if score["failed"] else 0


def _source(folder: Path) -> Path:
    name = f"openai-{version('openai')}"
    wanted = f"openai=={version('openai')}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    subprocess.run([*command, wanted], check=True)
    with tarfile.open(folder / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name


def _run(root: Path, url: str, report: Path) -> None:
    options = [
        "-c", os.devnull, "--rootdir", str(root), "-p", "no:cacheprovider", "-q", "--tb=no", f"--junitxml={report}",
        "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session",
    ]  # fmt: skip
    paths = [f"tests/api_resources/{name}" for name in _SUITES]
    env = {**os.environ, "TEST_API_BASE_URL": url, "PYTHONPATH": str(root)}
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths], cwd=root, env=env, stdout=sys.stderr, check=False
    )


def _score(report: Path) -> dict[str, object]:
    cases = list(xml.parse(report).getroot().iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    ours = [case for case in failed if not _refused(case)]
    return {
        "tests": len(cases),
        "passed": len(cases) - len(failed),
        "refused_by_the_client": len(failed) - len(ours),
        "failed": [f"{case.get('classname')}::{case.get('name')}" for case in ours],
    }


def _refused(case: xml.Element) -> bool:
    where, name = case.get("classname", ""), case.get("name", "")
    module, mode, tests = _REFUSED
    return module in where and name.startswith(tests) and (f"[{mode}]" in name or "[aiohttp]" in name)


if __name__ == "__main__":
    sys.exit(main())
