"""Every assertion passes on what it asks for, fails on its opposite, and without evidence says neither."""

import dataclasses
from typing import Any

import pytest

from harness.core.events import Check
from harness.evidence.metrics.exposition import Series
from harness.evidence.metrics.movement import Movement
from harness.scenarios.judging import Run, checks
from harness.scenarios.model import Assertion, Scenario
from harness.scenarios.observation import Answer, Claim, EffectSeen, ModelCall, Observation, ToolCall


def answer(**parts: Any) -> Answer:
    values: dict[str, Any] = {
        "name": "first",
        "user": "alice",
        "task_id": "t1",
        "status": "completed",
        "output": "The answer is 42.",
        "error": "",
        "code": 200,
        "body": {"output": "The answer is 42.", "steps_used": 3, "sources": ["a", "b"]},
        "latency_s": 0.5,
        **parts,
    }
    return Answer(**values)


GOOD = Observation(
    answers=(answer(),),
    trajectory=(
        ToolCall("search", {"q": "x", "k": 3}, 0, ok=False, error="503"),
        ToolCall("search", {"q": "x", "k": 3}, 1, ok=True),
    ),
    models=(
        ModelCall("big", 500, at=1.0, duration_s=0.1, prompt_tokens=10),
        ModelCall("big", 500, at=1.6, duration_s=0.1, prompt_tokens=10),
        ModelCall("small", 200, at=2.0, prompt_tokens=10, completion_tokens=5),
    ),
    effects=(EffectSeen("search", "t1", "k1", "aa", "ok"), EffectSeen("search", "t1", "k2", "bb", "ok")),
    duration_s=1.5,
)


def claim(assertion: Any, seen: Observation = GOOD) -> Claim:
    return Assertion.model_validate(assertion).judged.judge(seen)


@pytest.mark.parametrize(
    "assertion",
    [
        {"status": "completed"},
        {"status": {"is": ["failed", "completed"], "of": "first"}},
        {"output": "answer is"},
        {"output": {"matches": r"\d+", "lacks": "sorry"}},
        {"output": {"path": "sources.0", "equals": "a"}},
        {"output": {"path": "sources", "schema": {"type": "array", "minItems": 2}}},
        {"trajectory": ["search", "search"]},
        {"trajectory": {"calls": [{"tool": "search", "arguments": {"q": "x"}}], "mode": "superset"}},
        {"trajectory": {"calls": [{"tool": "search", "arguments": {"q": "x", "k": 3}, "match": "exact"}]}},
        {"trajectory": [{"tool": "search", "arguments": {"q": "^x$"}, "match": "pattern", "ok": True}]},
        {"recovery": {"tool": "search", "within_s": 2}},
        {"fallback": {"model": "small"}},
        "fallback",
        {"retries": {"at_least": 1, "at_most": 1, "pause_at_least_s": 0.4}},
        {"steps": 3},
        {"tokens": 35},
        {"llm_calls": {"at_least": 3, "at_most": 3}},
        {"duration": 2},
        {"effects": {"tool": "search", "exactly": 2}},
        {"no_leak": "CANARY"},
    ],
)
def test_it_holds(assertion: Any) -> None:
    assert claim(assertion).holds is True, claim(assertion)


@pytest.mark.parametrize(
    "assertion",
    [
        {"status": "failed"},
        {"output": "unknown"},
        {"output": {"lacks": "42"}},
        {"output": {"matches": "^42"}},
        {"output": {"path": "sources.0", "equals": "b"}},
        {"output": {"path": "nowhere"}},
        {"output": {"path": "sources", "schema": {"type": "array", "maxItems": 1}}},
        {"trajectory": ["search", "fetch"]},
        {"trajectory": {"calls": ["search"], "mode": "strict"}},
        {"trajectory": {"calls": [{"tool": "search", "arguments": {"q": "x"}, "match": "exact"}]}},
        {"trajectory": {"calls": ["fetch"], "mode": "subset"}},
        {"recovery": {"tool": "search", "within_s": 1}},
        {"fallback": {"model": "tiny"}},
        {"retries": {"at_least": 2}},
        {"retries": {"at_most": 0}},
        {"retries": {"pause_at_least_s": 0.6}},
        {"steps": 2},
        {"tokens": 34},
        {"llm_calls": 2},
        {"duration": 1},
        {"effects": {"tool": "search", "exactly": 1}},
        {"effects": {"tool": "search", "at_least": 3}},
        {"no_leak": ["x", "42"]},
    ],
)
def test_it_does_not_hold(assertion: Any) -> None:
    assert claim(assertion).holds is False, claim(assertion)


NOTHING = Observation(answers=(answer(body={}),))


@pytest.mark.parametrize(
    "assertion",
    [
        {"status": {"is": "completed", "of": "second"}},
        {"trajectory": ["search"]},
        {"recovery": {"tool": "search"}},
        "fallback",
        {"retries": {"at_most": 3}},
        {"steps": 3},
        {"tokens": 3},
        {"llm_calls": 3},
        {"effects": {"tool": "search", "at_most": 3}},
        {"no_leak": {"canaries": ["x"], "users": ["bob"]}},
    ],
)
def test_without_evidence_it_says_neither(assertion: Any) -> None:
    assert claim(assertion, NOTHING).holds is None


def test_an_effect_twice_is_seen_by_its_key_or_by_task_and_arguments() -> None:
    twice = (EffectSeen("mail", "t", "k", "a", "ok"), EffectSeen("mail", "t", "k", "a", "ok"))
    keyless = tuple(EffectSeen("mail", "t", "", "a", "ok") for _ in range(2))
    for effects in (twice, keyless):
        assert claim({"effects": {"tool": "mail"}}, Observation((answer(),), effects=effects)).holds is False


def test_a_failure_that_nothing_followed_is_no_recovery() -> None:
    gave_up = Observation((answer(),), trajectory=(ToolCall("search", None, 0, ok=False),))
    assert claim({"recovery": {"tool": "search"}}, gave_up).holds is False
    replaced = Observation(
        (answer(),), trajectory=(ToolCall("search", None, 0, ok=False), ToolCall("cache", None, 1, ok=True))
    )
    assert claim({"recovery": {"tool": "search"}}, replaced).holds is False
    assert claim({"recovery": {"tool": "search", "instead": ["cache"]}}, replaced).holds is True


def scenario(**repeat: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "s",
            "title": "t",
            "when": [{"run": {"prompt": "x"}}],
            "then": [{"status": "completed"}],
            "repeat": repeat,
        }
    )


def outcome(rows: list[Check]) -> dict[str, str]:
    return {row.check: row.outcome for row in rows}


PASSED, FAILED, UNSEEN = (Run((Claim(holds, "d"),)) for holds in (True, False, None))
SPOILT = Run(spoilt="the port was taken")


def test_one_run_is_judged_as_it_is() -> None:
    assert outcome(checks(scenario(), [PASSED], "r")) == {"scenario.valid": "pass", "then.1.status": "pass"}
    assert outcome(checks(scenario(), [FAILED], "r"))["then.1.status"] == "fail"
    assert outcome(checks(scenario(), [UNSEEN], "r"))["then.1.status"] == "inconclusive"


def test_a_spoilt_run_is_infra_and_neither_pass_nor_fail() -> None:
    (check,) = checks(scenario(), [SPOILT], "r")
    assert (check.check, check.outcome) == ("scenario.valid", "infra")
    assert "the port was taken" in check.detail


def test_a_green_rate_from_too_few_valid_runs_is_not_green() -> None:
    rows = outcome(checks(scenario(times=5), [PASSED, SPOILT, SPOILT, SPOILT, SPOILT], "r"))
    assert rows["scenario.valid"] == "infra"


def test_a_rate_is_held_against_what_was_asked() -> None:
    runs = [PASSED] * 9 + [FAILED]
    strict = outcome(checks(scenario(times=10), runs, "r"))
    assert strict["then.1.status"] == strict["scenario.reliability"] == "fail"
    lenient = checks(scenario(times=10, at_least=0.9), runs, "r")
    assert outcome(lenient)["then.1.status"] == outcome(lenient)["scenario.reliability"] == "pass"
    assert "pass^1 0.90" in lenient[-1].detail
    assert "60% to 98%" in lenient[-1].detail


def counted(by: float = 15.0, *, unseen: bool = False, models: bool = True) -> Observation:
    """GOOD, with a counter that moved by so much."""
    name, pod = "tokens_total", "agent-1"
    movement = Movement({Series("agent", pod, name, (("kind", "prompt"),)): by}, {pod: "it is gone"} if unseen else {})
    return dataclasses.replace(GOOD, moved=movement, models=GOOD.models if models else None)


@pytest.mark.parametrize(
    ("wish", "by", "holds"),
    [
        ({"increases_by": 15}, 15, True),
        ({"increases_by": 14}, 15, False),
        ({"increases_by": "tokens_served"}, 15, True),  # the failed calls of the journal served nothing
        ({"increases_by": "tokens_served"}, 10, False),
        ({"increases_by": "prompt_tokens_served"}, 10, True),
        ({"increases_by": "completion_tokens_served"}, 5, True),
        ({"increases_by": "llm_answers"}, 1, True),
        ({"at_least": 3, "at_most": 20}, 15, True),
        ({"at_least": 16}, 15, False),
        ({"at_most": 14}, 15, False),
        ({"at_least": 1, "labels": {"kind": "prompt"}}, 15, True),
        ({"at_least": 1, "labels": {"kind": "completion"}}, 15, False),
        ({"at_least": 1, "service": "other"}, 15, False),
    ],
)
def test_metrics_are_judged_by_how_they_moved(wish: dict[str, Any], by: float, holds: bool) -> None:
    assert claim({"metrics": {"name": "tokens_total", **wish}}, counted(by)).holds is holds


def test_metrics_that_nobody_saw_decide_nothing() -> None:
    wish = {"metrics": {"name": "tokens_total", "increases_by": "tokens_served"}}
    assert claim(wish, GOOD).holds is None
    assert claim(wish, counted(unseen=True)).holds is None
    assert claim(wish, counted(models=False)).holds is None


def test_a_metric_that_nobody_has_is_a_failure_that_says_so() -> None:
    told = claim({"metrics": {"name": "no_such_total", "labels": {"a": "b"}, "increases_by": 0}}, counted())
    assert told.holds is False and told.detail == 'nobody has a metric no_such_total{a="b"}'


def test_a_metric_without_an_expectation_is_refused() -> None:
    with pytest.raises(ValueError, match="give increases_by, at_least or at_most"):
        Assertion.model_validate({"metrics": {"name": "tokens_total"}})


def test_a_scenario_that_measures_plays_alone() -> None:
    parts: dict[str, Any] = {"title": "t", "when": [{"run": {"prompt": "p"}}]}
    assert Scenario(**parts, then=[{"metrics": {"name": "x_total", "at_least": 1}}]).alone
    assert not Scenario(**parts, then=["status"]).alone


def looked(body: Any) -> Observation:
    return dataclasses.replace(GOOD, pages={("/cost?session_id={session}", "user", "main"): body})


@pytest.mark.parametrize(
    ("wish", "body", "holds"),
    [
        ({"path": "tokens", "equals": "tokens_served"}, {"tokens": 15}, True),
        ({"path": "tokens", "equals": "tokens_served"}, {"tokens": 14}, False),
        ({"path": "tokens", "equals": 15}, {"tokens": 15}, True),
        ({"equals": {"tokens": 15}}, {"tokens": 15}, True),
        ({"path": "of", "equals": "session"}, {"of": "session"}, True),
        ({"path": "usd", "at_least": 1, "at_most": 2}, {"usd": 1.5}, True),
        ({"path": "usd", "at_least": 2}, {"usd": 1.5}, False),
        ({"path": "usd", "at_most": 1}, {"usd": 1.5}, False),
        ({"path": "usd", "at_most": 1}, {"usd": "free"}, False),
        ({"path": "tokens", "equals": 15}, None, False),
    ],
)
def test_a_page_is_judged_by_what_it_says(wish: dict[str, Any], body: Any, holds: bool) -> None:
    assert claim({"page": {"get": "/cost?session_id={session}", **wish}}, looked(body)).holds is holds


def test_a_page_that_nobody_asked_for_decides_nothing() -> None:
    assert claim({"page": {"get": "/cost", "equals": 1}}).holds is None
    served = {"page": {"get": "/cost?session_id={session}", "path": "tokens", "equals": "tokens_served"}}
    assert claim(served, dataclasses.replace(looked({"tokens": 1}), models=None)).holds is None


def test_a_page_without_an_expectation_or_a_route_is_refused() -> None:
    for wrong in ({"get": "/cost"}, {"get": "cost", "equals": 1}):
        with pytest.raises(ValueError, match=r"give equals|pattern"):
            Assertion.model_validate({"page": wrong})


def test_what_was_done_for_a_call_is_in_its_trace() -> None:
    calls = (answer(trace_id="t1"), answer(name="second", trace_id="t2"))
    models = tuple(dataclasses.replace(model, trace_id="t2") for model in GOOD.models or ())
    effects = tuple(dataclasses.replace(effect, trace_id="t1") for effect in GOOD.effects or ())
    seen = dataclasses.replace(GOOD, answers=calls, models=models, effects=effects)
    assert claim("traced", seen).holds is True
    lost = dataclasses.replace(seen, effects=(*effects, EffectSeen("mail", "t1", "k3", "cc", "ok")))
    assert claim("traced", lost).holds is False and "an effect of mail has none" in claim("traced", lost).detail
    other = dataclasses.replace(seen, models=(dataclasses.replace(models[0], trace_id="elsewhere"),))
    assert claim("traced", other).holds is False
    assert claim("traced", dataclasses.replace(seen, models=None, effects=())).holds is None
