"""Fixtures on the target of a windtunnel.toml, and the suites as tests. Loading this costs nothing.

def test_a_killed_pod_loses_no_task(agents, fault):
    task = agents.submit("What do bees eat?")
    with fault("pod_kill", workload="agent-search"):
        assert agents.wait(task).status == "completed"
    assert not agents.repeated()

`pytest --windtunnel contracts --windtunnel chaos` runs whole suites, each as one test; `harness.marks` has marks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import marks

if TYPE_CHECKING:
    from harness.app.testing import AgentStack, Bench
    from harness.core.events import Effect
    from harness.core.findings import Finding
    from harness.evidence.recorder import MemoryRecorder
    from harness.faults.fault import Witnessed

SUITES = ("contracts", "scenarios", "load", "chaos")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--windtunnel SUITE` and `--windtunnel-config FILE`."""
    group = parser.getgroup("windtunnel")
    about = f"run a suite against the target, as one test: {', '.join(SUITES)}; may be repeated"
    group.addoption("--windtunnel", action="append", choices=SUITES, default=[], metavar="SUITE", help=about)
    group.addoption("--windtunnel-config", metavar="FILE", help="the windtunnel.toml to use; default: the nearest one")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    for about in marks.ABOUT:
        config.addinivalue_line("markers", about)


def pytest_itemcollected(item: pytest.Item) -> None:
    """A mark brings the fixtures that it works on."""
    for name, fixture in ((marks.SCENARIO, "agent_stack"), (marks.SLO, "agents")):
        if item.get_closest_marker(name) and isinstance(item, pytest.Function) and fixture not in item.fixturenames:
            item.fixturenames.append(fixture)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Carry out the marks of a test that has any."""
    scenario, slo, repeat = map(pyfuncitem.get_closest_marker, (marks.SCENARIO, marks.SLO, marks.REPEAT))
    if not (scenario or slo or repeat):
        return None
    from harness.app import marked
    from harness.core.errors import Failure, HarnessError

    def call() -> None:
        if inspect.isawaitable(found := pyfuncitem.obj(**arguments)):
            if inspect.iscoroutine(found):
                found.close()
            raise Failure("nothing awaits this test: install pytest-asyncio or anyio, and mark it as theirs")

    given: dict[str, Any] = pyfuncitem.funcargs
    arguments = {name: given[name] for name in inspect.signature(pyfuncitem.obj).parameters if name in given}
    bench: Bench | None = given.get("agents")
    try:
        if scenario is not None:
            findings = marked.played(given["agent_stack"], scenario.args)
            if "scenario" in arguments:
                arguments["scenario"].extend(findings)
        if repeat is None:
            call()
        else:
            rewind = given["mock_llm"].rewinder() if "mock_llm" in given else None

            def again(number: int) -> None:
                if rewind is not None:
                    rewind()
                if bench is not None:
                    bench.again(number)

            marked.repeated(call, repeat.args[0], repeat.args[1], again)
        if slo is not None:
            marked.within(slo.kwargs, [*given["agents"].earlier, *given["agents"].events])
    except Failure as failure:
        if failure.__cause__ is not None:
            raise
        raise pytest.fail.Exception(str(failure), pytrace=False) from None
    except HarnessError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    return True


def _config(config: pytest.Config) -> Path | None:
    named = config.getoption("--windtunnel-config")
    return Path(str(named)) if named else None


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--windtunnel`, the suites that were asked for are what runs."""
    suites: list[str] = config.getoption("--windtunnel")
    if suites:
        config.hook.pytest_deselected(items=list(items))
        items[:] = [SuiteItem.from_parent(session, name=f"windtunnel {name}", suite=name) for name in suites]


class SuiteItem(pytest.Item):
    """One suite against the target; fails with the findings that are not PASS."""

    def __init__(self, *, suite: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.suite = suite

    def runtest(self) -> None:
        from harness.app.testing import run_suite

        run_suite(_config(self.config), self.suite)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from harness.core.errors import Failure, HarnessError

        if isinstance(excinfo.value, Failure | HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


@pytest.fixture(scope="session")
def agent_stack(request: pytest.FixtureRequest) -> Iterator[AgentStack]:
    """The target, up for the whole session (for each worker its own, under xdist)."""
    from harness.app.testing import AgentStack

    with AgentStack(_config(request.config)) as stack:
        yield stack


@pytest.fixture
def agents(agent_stack: AgentStack, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The target as one test uses it: `run`, `submit`, `wait`, `effects`, `fault`; a session of its own."""
    from harness.app.testing import Bench

    bench = Bench(agent_stack, request.node.nodeid.replace("/", "."))
    bench.begin()
    yield bench
    bench.close()


@pytest.fixture
def fault(agents: Bench) -> Callable[..., AbstractContextManager[Witnessed]]:
    """`with fault("pod_kill", workload="agent-search"):` breaks something, proven, and undoes it."""
    return agents.fault


@pytest.fixture
def scenario() -> list[Finding]:
    """The findings of the scenarios that `@windtunnel.scenario` has played before the test."""
    return []


@pytest.fixture
def history(agents: Bench) -> MemoryRecorder:
    """What the test did, as events: give `history.events` to a checker."""
    return agents.history


@pytest.fixture
def ledger(agents: Bench) -> Callable[[], list[Effect]]:
    """The effects that really happened since the test began, by the tools' own ledgers."""
    return agents.effects
