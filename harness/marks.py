"""Marks for tests of agents; the pytest plugin that comes with the package carries them out.

from harness import marks as windtunnel

@windtunnel.repeat(10, min_pass=9)
@windtunnel.slo(p95_s=2.0, error_rate=0.0)
def test_the_agent_answers(agents):
    assert "nectar" in agents.run("What do bees eat?").output
"""

from __future__ import annotations

import pytest

SCENARIO, SLO, REPEAT = "windtunnel_scenario", "windtunnel_slo", "windtunnel_repeat"
ABOUT = (
    f"{SCENARIO}(*names): play these scenarios of the target's folder first; the test fails with what they find",
    f"{SLO}(p50_s, p95_s, p99_s, error_rate, goodput): limits on what the test did through `agents`",
    f"{REPEAT}(times, min_pass): run the test several times; how many of the runs have to pass",
)


def scenario(*names: str) -> pytest.MarkDecorator:
    """Play the scenarios `names` of the target before the test. Where one does not hold, the test fails with its
    findings; else they are the fixture `scenario`. Raises ValueError for no name."""
    if not names:
        raise ValueError("which scenario? name at least one")
    mark: pytest.MarkDecorator = getattr(pytest.mark, SCENARIO)
    return mark(*names)


def slo(**limits: float) -> pytest.MarkDecorator:
    """Limits on all that the test hands in through `agents`, all repetitions together.

    p50_s, p95_s, p99_s: seconds, at most. error_rate: a share, at most. goodput: the share of requests that are
    answered without an error within p99_s, at least. Raises ValueError for other names or none.
    """
    known = ("p50_s", "p95_s", "p99_s", "error_rate", "goodput")
    wrong = sorted(limits.keys() - set(known))
    if wrong or not limits:
        raise ValueError(f"an SLO is of {', '.join(known)}, not of {', '.join(wrong) or 'nothing'}")
    mark: pytest.MarkDecorator = getattr(pytest.mark, SLO)
    return mark(**limits)


def repeat(times: int, *, min_pass: int | None = None) -> pytest.MarkDecorator:
    """Run the test up to `times` times; it passes when `min_pass` of the runs do (all of them by default).

    It ends early once that is decided. Each run has effects and a session of its own, and `mock_llm` as the test's
    other fixtures have set it up. A run that the harness could not carry out counts neither way, and enough of them
    leave the test undecided, which fails it too. Raises ValueError.
    """
    needed = times if min_pass is None else min_pass
    if not 1 <= needed <= times:
        raise ValueError(f"min_pass is from 1 to times: {needed} of {times}")
    mark: pytest.MarkDecorator = getattr(pytest.mark, REPEAT)
    return mark(times, needed)
