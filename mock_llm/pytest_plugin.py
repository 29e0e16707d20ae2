"""Fixtures for tests that talk to the mock LLM. Loading this costs nothing: the server starts with the first use.

def test_agent(mock_llm):
    mock_llm.set_response(step=1, tool="search", arguments={"query": "cats"})
    run_my_agent()                      # clients built now find the mock by their environment variables
    mock_llm.assert_called(tool="search", times=1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mock_llm.embedded import MockLLM
    from mock_llm.handle import Handle

VIRTUAL = "virtual_time"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`mock_llm_seed` in the ini file: from which every test's randomness derives."""
    parser.addini("mock_llm_seed", "seed of the mock LLM server of the `mock_llm` fixture", default="0")


@pytest.fixture(scope="session")
def mock_llm_server(request: pytest.FixtureRequest) -> Iterator[MockLLM]:
    """The one server of this process (of each worker, under xdist), on a port of its own."""
    from mock_llm.embedded import MockLLM

    with MockLLM(seed=int(request.config.getini("mock_llm_seed"))) as server:
        yield server


@pytest.fixture(scope="session")
def mock_llm_virtual_server(request: pytest.FixtureRequest) -> Iterator[MockLLM]:
    """The same with a virtual clock, for the tests that ask for `virtual_time`."""
    from mock_llm.embedded import MockLLM

    with MockLLM(seed=int(request.config.getini("mock_llm_seed")), virtual_time=True) as server:
        yield server


@pytest.fixture
def mock_llm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handle]:
    """A session of this test alone. OPENAI_BASE_URL and its kin lead there while the test runs.

    The session's name is the test's id, so ids, chunks and draws are the same in every run and order.
    """
    from mock_llm.handle import set_environment

    server = "mock_llm_virtual_server" if VIRTUAL in request.fixturenames else "mock_llm_server"
    handle = request.getfixturevalue(server).session(request.node.nodeid.replace("/", "."))
    handle.reset()
    set_environment(handle, monkeypatch.setenv)
    yield handle
    unused = handle.unused()
    if unused:
        names = ", ".join(repr(rule.name) for rule in unused)
        request.node.add_report_section("teardown", "mock_llm", f"rules that never answered: {names}")
    handle.reset()


@pytest.fixture
def virtual_time(mock_llm: Handle) -> Callable[[], float]:
    """Makes the waits of `mock_llm` cost nothing; calling it gives the seconds that the test's session has waited.

    A client's own timeout is compared with virtual seconds where the client goes through `MockLLM.transport()`.
    """
    began = mock_llm.now()
    return lambda: mock_llm.now() - began
