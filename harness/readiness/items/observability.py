"""Observability: traces, metrics, alerts, logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.cluster.manifests.documents import Document
from harness.readiness.item import item, proven
from harness.readiness.workloads import Objection, of_kind, written

RULES = "name the manifests of production, with their PrometheusRule, in [readiness] of windtunnel.toml"
SPANS = "windtunnel scenarios, with the assertion `spans`, and `spans` of a service that answers traces"


def rules_of(documents: Sequence[Document]) -> list[tuple[Document, dict[str, Any]]]:
    """Every alert of every PrometheusRule."""
    return [
        (document, rule)
        for document in of_kind(documents, "PrometheusRule")
        for group in (document.body.get("spec") or {}).get("groups") or ()
        for rule in group.get("rules") or ()
        if rule.get("alert")
    ]


def alerts_on(**subjects: str) -> Callable[[Sequence[Document]], Iterable[Objection] | None]:
    """Objections where no alert fits a subject's pattern, by its name or its expression; None without any alert."""

    def look(documents: Sequence[Document]) -> Iterable[Objection] | None:
        rules = rules_of(documents)
        if not rules:
            return None
        texts = [f"{rule['alert']} {' '.join(str(rule.get('expr', '')).split())}" for _, rule in rules]
        return [
            Objection(rules[0][0], f"no alert on {subject.replace('_', ' ')}")
            for subject, pattern in subjects.items()
            if not any(re.search(pattern, text, re.IGNORECASE) for text in texts)
        ]

    return look


WHOLE = alerts_on(
    error_rate=r"^\S*(error|fail)|(error|fail)\S* *\[.*/",
    runaway_steps=r"^\S*(step|runaway|loop)|steps?\w*_bucket",
    token_cost=r"^\S*(token|cost)",
    latency=r"^\S*(latency|slow)|histogram_quantile\(.*(latency|duration)",
)

item("OBS-1", "one trace joins gateway, orchestrator, agent, tool and broker", proven(), how=SPANS)
item("OBS-2", "each LLM call has a span with tokens and latency", proven(), how=SPANS)
item("OBS-3", "each tool call has a span with name, version and outcome", proven(), how=SPANS)
item(
    "OBS-4",
    "the metrics are there: tasks, duration, tokens, tool calls, steps",
    proven(),
    how="windtunnel contracts metrics, with `metrics_required` for the service",
)
item(
    "OBS-5",
    "alerts exist for error rate, runaway steps, token cost and latency, fire under the matching fault, and clear",
    written(WHOLE, "an alert on each", "write the alert that is missing; reference_agents/k8s/alerts has all of them"),
    proven("*/alerts/*"),
    how=f"windtunnel chaos, with Prometheus at hand; {RULES}",
)
item(
    "OBS-6",
    "logs are JSON with task_id, hashed session_id and trace_id, and hold no prompt",
    proven("scenarios/logs/logs.no_prompt/*", "scenarios/logs/logs.no_secret/*"),
    proven("scenarios/logs/logs.json/*"),
    proven("scenarios/logs/logs.fields/*"),
    proven("scenarios/logs/logs.no_session/*"),
    how="windtunnel scenarios, with `logs_fields` in [suites.scenarios]",
)
