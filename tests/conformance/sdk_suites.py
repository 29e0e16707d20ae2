"""Runs the API tests of the providers' own clients against `mock-llm serve` as it starts by default; prints the scores.

    python tests/conformance/sdk_suites.py            # openai and anthropic
    python tests/conformance/sdk_suites.py anthropic

They are not in the installed packages: the source distribution, of the version installed here, is fetched by pip
into a temporary folder. The exit code is 1 where a test fails that `refused` does not account for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as xml
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Suite:
    """One client's tests. `refused` tells, by module and name, which no faithful answer could pass; `needs` are
    packages that the tests import and the client does not."""

    package: str
    paths: tuple[str, ...]
    refused: Callable[[str, str], bool]
    needs: tuple[str, ...] = ()


def _strict_base64(module: str, name: str) -> bool:
    # The client asks for base64 by itself, and its strict mode then refuses base64: OpenAI's own answer fails these.
    tests = ("test_method_create[", "test_raw_response_create", "test_streaming_response")
    return "test_embeddings" in module and name.startswith(tests) and ("[strict]" in name or "[aiohttp]" in name)


def _own_transport(module: str, name: str) -> bool:
    # These answer themselves, by a mock of the client's HTTP library, and ask no server.
    return "test_batches" in module and "_results" in name and "path_params" not in name


SUITES = {
    "openai": Suite(
        "openai",
        ("chat", "responses", "conversations", "test_responses.py", "test_conversations.py", "test_embeddings.py",
         "test_models.py", "test_moderations.py", "test_completions.py"),
        _strict_base64,
    ),
    "anthropic": Suite(
        "anthropic",
        ("messages", "test_messages.py", "test_models.py", "beta/messages", "beta/test_messages.py",
         "beta/test_models.py"),
        _own_transport,
        ("inline-snapshot", "http-snapshot"),
    ),
}  # fmt: skip


def main(names: list[str]) -> int:
    """The exit code."""
    worst = 0
    for name in names or list(SUITES):
        suite = SUITES[name]
        score = _measure(suite)
        print(json.dumps({"suite": suite.package, "version": version(suite.package), **score}, indent=2))
        worst = max(worst, 1 if score["failed"] else 0)
    return worst


def _measure(suite: Suite) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        root = _source(suite.package, Path(folder))
        server = subprocess.Popen(
            [sys.executable, "-m", "mock_llm", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().partition("OPENAI_BASE_URL=")[2].strip().rstrip(")")
            report = Path(folder) / "report.xml"
            _run(suite, root, url if suite.package == "openai" else url.removesuffix("/v1"), report)
            return _score(suite, report)
        finally:
            server.terminate()
            server.wait()


def _source(package: str, folder: Path) -> Path:
    name = f"{package}-{version(package)}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    subprocess.run([*command, f"{package}=={version(package)}"], check=True)
    with tarfile.open(folder / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name


def _run(suite: Suite, root: Path, url: str, report: Path) -> None:
    options = [
        "-c", os.devnull, "--rootdir", str(root), "-p", "no:cacheprovider", "-q", "--tb=no", f"--junitxml={report}",
        "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session",
    ]  # fmt: skip
    paths = [f"tests/api_resources/{name}" for name in suite.paths]
    more = root.parent / "more"
    if suite.needs:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(more), *suite.needs], check=True)
    env = {**os.environ, "TEST_API_BASE_URL": url, "PYTHONPATH": f"{root}{os.pathsep}{more}"}
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths], cwd=root, env=env, stdout=sys.stderr, check=False
    )


def _score(suite: Suite, report: Path) -> dict[str, object]:
    cases: dict[str, bool] = {}  # a test with an error in its teardown has two entries
    modules: dict[str, tuple[str, str]] = {}
    for case in xml.parse(report).getroot().iter("testcase"):
        module, name = case.get("classname", ""), case.get("name", "")
        bad = case.find("failure") is not None or case.find("error") is not None
        cases[f"{module}::{name}"] = cases.get(f"{module}::{name}", False) or bad
        modules[f"{module}::{name}"] = (module, name)
    failed = [case for case, bad in cases.items() if bad]
    ours = [case for case in failed if not suite.refused(*modules[case])]
    return {
        "tests": len(cases),
        "passed": len(cases) - len(failed),
        "refused_by_the_client": len(failed) - len(ours),
        "failed": ours,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
