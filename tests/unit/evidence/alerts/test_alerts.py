"""Alert rules over the samples of a run: read, filled in, and evaluated by a real Prometheus where there is one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.core.clock import RealClock
from harness.core.errors import ConfigError, InfraError
from harness.core.events import Event, Sample
from harness.evidence.alerts import prometheus
from harness.evidence.alerts.evaluate import alerts
from harness.evidence.alerts.firing import Firing, firings
from harness.evidence.alerts.openmetrics import points, text
from harness.evidence.alerts.rules import Rule, read_rules, seconds
from harness.evidence.recorder import Axis, MemoryRecorder

needs_prometheus = pytest.mark.skipif(
    bool(prometheus.missing()),
    reason=f"NO ALERT IS EVALUATED: {prometheus.missing()} missing (apt-get install prometheus)",
)
RULES = "groups:\n- name: g\n  rules:\n  - {alert: High, expr: 'depth > 3', for: 1m30s}\n  - {record: x, expr: y}\n"


def sample(name: str, value: float, kind: str = "counter", **labels: str) -> Sample:
    return Sample.model_validate({"service": "agent", "name": name, "value": value, "kind": kind, "labels": labels})


def run_of(*rows: tuple[float, Sample]) -> list[Event]:
    recorder = MemoryRecorder(clock=RealClock(), axis=Axis(0.0))
    for at, body in rows:
        recorder.emit(body, at=at)
    return recorder.events


def up(pod: str, value: float = 1.0) -> Sample:
    return Sample(service="", name="up", value=value, labels={"pod": pod}, kind="gauge")


def test_a_rules_file_and_a_prometheusrule_read_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "b.yaml").write_text("kind: PrometheusRule\nspec:\n  " + RULES.replace("\n", "\n  "))
    assert read_rules(tmp_path / "a.yaml") == read_rules(tmp_path / "b.yaml") == (Rule("High", "depth > 3", 90.0),)


@pytest.mark.parametrize("content", ["groups: 3", "[", "groups: []", "groups: [{rules: [{alert: A}]}]", None])
def test_a_file_without_alerts_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "rules.yaml").write_text(content)
    with pytest.raises(ConfigError) as found:
        read_rules(tmp_path / "rules.yaml")
    assert "rules.yaml" in str(found.value)


def test_durations_are_prometheus() -> None:
    assert [seconds(word) for word in ("0s", "90s", "1h30m", "250ms", "1d")] == [0, 90, 5400, 0.25, 86400]
    for wrong in ("", "1", "5x", "m"):
        with pytest.raises(ValueError, match="no duration"):
            seconds(wrong)


def test_a_value_stands_at_every_look_until_it_changes_and_while_its_pod_is_up() -> None:
    events = run_of(
        (0, up("p")), (0, sample("n_total", 1, pod="p")),
        (2, up("p")),
        (4, up("p")), (4, sample("n_total", 5, pod="p")),
        (6, up("p", 0)),
        (8, up("p")), (8, sample("n_total", 2, pod="p")),
        (8, Sample(service="", name="generator_lateness", value=3)),
    )  # fmt: skip
    rows = list(points(events))
    assert [(t, value) for name, _, t, value in rows if name == "n_total"] == [(0, 1), (2, 1), (4, 5), (8, 2)]
    assert [(t, value) for name, _, t, value in rows if name == "up"] == [(0, 1), (2, 1), (4, 1), (6, 0), (8, 1)]
    assert {name for name, *_ in rows} == {"n_total", "up"}
    assert next(labels for name, labels, *_ in rows if name == "n_total") == (("job", "agent"), ("pod", "p"))


def test_the_text_escapes_labels_and_ends() -> None:
    rows = [("n", (("a", 'x"\\\n'),), 2.0, 1.5), ("m", (), 0.0, 1.0)]
    assert list(text(rows, lambda t: 1000 + t)) == ['n{a="x\\"\\\\\\n"} 1.5 1002.000\n', "m 1.0 1000.000\n", "# EOF\n"]


@pytest.mark.parametrize(
    ("held", "for_s", "expected"),
    [
        ([], 0, []),
        ([10, 11, 12], 0, [Firing(10, 13)]),
        ([10, 11, 12], 2, [Firing(12, 13)]),
        ([10, 11, 12], 3, []),
        ([10, 11, 20, 21, 22], 2, [Firing(22, 23)]),
        ([10, 14, 15], 0, [Firing(10, 11), Firing(14, 16)]),
        ([28, 29, 30], 1, [Firing(29, None)]),
    ],
)
def test_an_alert_fires_once_it_held_long_enough(held: list[float], for_s: float, expected: list[Firing]) -> None:
    assert firings(held, step=1.0, for_s=for_s, last=30.0) == expected


def run_with_a_queue() -> list[Event]:
    """A minute: two pods, of which one's queue is long from second 20 to second 40; looked at every 2 s."""
    rows: list[tuple[float, Sample]] = []
    for t in range(0, 60, 2):
        rows += [(t, up("p")), (t, up("q"))]
        if t == 0:
            rows += [(t, sample("depth", 0, "gauge", pod="p")), (t, sample("depth", 1, "gauge", pod="q"))]
        if t in (20, 40):
            rows.append((t, sample("depth", 9 if t == 20 else 0, "gauge", pod="p")))
    return run_of(*rows)


@needs_prometheus
async def test_a_rule_fires_and_clears_when_its_expression_says_so() -> None:
    rules = [Rule("High", "depth > 3", 60.0), Rule("Never", "depth > 30", 0.0)]
    told, *found = await alerts(run_with_a_queue(), rules, scale=10, now=time.time())
    assert (told[0].stage, told[0].names) == ("judged", ("High", "Never"))
    assert [(body.stage, body.alert, body.labels["pod"]) for body, _ in found] == [
        ("firing", "High", "p"),
        ("over", "High", "p"),
    ]
    (_, fired), (_, over) = found
    assert 25.5 <= fired <= 27 and 39.5 <= over <= 41  # a minute is six seconds here, two looks are half a second apart


@needs_prometheus
async def test_a_rule_that_is_no_promql_is_an_error_with_the_servers_words() -> None:
    with pytest.raises(InfraError, match=r"prometheus refuses a rule: .*parse error"):
        await alerts(run_with_a_queue(), [Rule("Bad", "depth >", 0.0)], scale=1, now=time.time())


@needs_prometheus
async def test_a_run_without_samples_is_not_judged() -> None:
    ((told, _),) = await alerts([], [Rule("High", "depth > 3", 0.0)], scale=1, now=time.time())
    assert told.stage == "unjudged" and "[target.metrics]" in told.detail


async def test_without_prometheus_nothing_is_judged_and_the_advice_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    ((told, _),) = await alerts(run_with_a_queue(), [Rule("High", "depth > 3", 0.0)], scale=1, now=time.time())
    assert told.stage == "unjudged"
    assert "promtool, prometheus is not installed" in told.detail and "apt-get install prometheus" in told.detail
