"""How counters moved, over pods that come, go and begin anew."""

from __future__ import annotations

from harness.evidence.metrics.exposition import readings
from harness.evidence.metrics.movement import Movement
from harness.evidence.metrics.scrape import Scrape

TEXT = """# TYPE tasks_total counter
tasks_total{agent="a",status="ok"} 3.0
tasks_created{agent="a",status="ok"} 1.7e+09
# TYPE depth gauge
depth 4.0
# TYPE took_seconds histogram
took_seconds_bucket{le="1.0"} 2.0
took_seconds_bucket{le="+Inf"} 3.0
took_seconds_count 3.0
took_seconds_sum 4.5
# TYPE waited_seconds summary
waited_seconds_count 1.0
"""


def scrape(gone: dict[str, str] | None = None, **pods: str) -> Scrape:
    values = {series: value for pod, text in pods.items() for series, value in readings(text, "agent", pod)}
    return Scrape(values, frozenset(pods), gone or {})


def tasks(count: float, depth: float = 0) -> str:
    return f'# TYPE tasks_total counter\ntasks_total{{status="ok"}} {count}\n# TYPE depth gauge\ndepth {depth}\n'


def moved(*scrapes: Scrape) -> Movement:
    movement = Movement()
    for each in scrapes:
        movement.feed(each)
    return movement


def test_counters_gauges_and_histograms_are_read_and_nothing_else() -> None:
    found = {series.name: (value, series.cumulative) for series, value in readings(TEXT, "agent", "p")}
    assert found == {
        "tasks_total": (3.0, True),
        "depth": (4.0, False),
        "took_seconds_bucket": (3.0, True),
        "took_seconds_count": (3.0, True),
        "took_seconds_sum": (4.5, True),
    }


def test_what_was_there_before_does_not_count() -> None:
    assert moved(scrape(p=tasks(7)), scrape(p=tasks(9))).sum("tasks_total") == 2


def test_pods_are_summed_and_labels_choose() -> None:
    movement = moved(scrape(p=tasks(1), q=tasks(5)), scrape(p=tasks(2), q=tasks(8)))
    assert movement.sum("tasks_total") == movement.sum("tasks_total", {"status": "ok"}, "agent") == 4
    assert movement.sum("tasks_total", {"status": "failed"}) is None
    assert movement.sum("tasks_total", service="other") is None
    assert movement.sum("no_such_total") is None
    assert movement.unseen == {}


def test_a_series_or_a_pod_that_comes_later_began_at_nothing() -> None:
    empty = "# TYPE depth gauge\ndepth 0\n"
    assert moved(scrape(p=empty), scrape(p=tasks(2), q=tasks(3))).sum("tasks_total") == 5


def test_a_counter_that_falls_began_anew_and_what_it_had_is_unseen() -> None:
    movement = moved(scrape(p=tasks(7)), scrape(p=tasks(2)))
    assert movement.sum("tasks_total") == 2
    assert movement.unseen == {"p": "it began anew"}


def test_a_gauge_may_fall() -> None:
    movement = moved(scrape(p=tasks(1, depth=5)), scrape(p=tasks(1, depth=2)))
    assert movement.sum("depth") == -3 and not movement.unseen


def test_a_pod_that_is_gone_or_down_took_with_it_what_nobody_read() -> None:
    movement = moved(scrape(p=tasks(1), q=tasks(1)), scrape({"q": "ConnectError"}))
    assert movement.unseen == {"p": "it is gone", "q": "ConnectError"}
