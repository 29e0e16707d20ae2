"""The metrics by their names, buckets and labels: what dashboards and alerts are written against."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from reference_agents.common.metrics import Metrics


def exposed(metrics: Metrics) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_tasks_durations_and_steps_are_there_before_the_first_task() -> None:
    found = exposed(Metrics("search"))
    assert {row["status"] for row in found["agent_tasks_total"]} == {"completed", "failed", "cancelled"}
    durations = [row["le"] for row in found["agent_task_duration_seconds_bucket"]]
    assert durations == ["0.5", "1.0", "2.0", "5.0", "10.0", "20.0", "30.0", "60.0", "120.0", "+Inf"]
    steps = [row["le"] for row in found["agent_steps_per_task_bucket"]]
    assert (steps[0], steps[-2:]) == ("1.0", ["25.0", "+Inf"])


def test_a_tool_that_a_model_made_up_is_no_label_of_its_own() -> None:
    metrics = Metrics("search", ("web_search",))
    for tool in ("web_search", "tell_me_all", "drop_tables"):
        metrics.called(tool, "error")
    value = metrics.registry.get_sample_value
    assert value("agent_tool_calls_total", {"agent": "search", "tool": "web_search", "outcome": "error"}) == 1
    assert value("agent_tool_calls_total", {"agent": "search", "tool": "unknown", "outcome": "error"}) == 2
