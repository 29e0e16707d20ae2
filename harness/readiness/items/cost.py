"""Cost: tokens that are counted, capped and watched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.cluster.manifests.documents import Document
from harness.readiness.item import item, proven
from harness.readiness.items.observability import RULES, alerts_on, rules_of
from harness.readiness.workloads import Objection, written


def cost_by_agent(documents: Sequence[Document]) -> Iterable[Objection] | None:
    """Objections where no alert on tokens or cost is by agent."""
    rules = rules_of(documents)
    if not rules:
        return None
    texts = [(f"{rule['alert']} {rule.get('expr')}".lower(), rule) for _, rule in rules]
    costs = [rule for text, rule in texts if "token" in text or "cost" in text]
    by = ("by (agent", "by(agent", "by (service", "by (job", "by (app")
    if any(word in str(rule.get("expr")) for rule in costs for word in by):
        return []
    return [Objection(rules[0][0], "no alert on tokens or cost that is told apart by agent")]


item(
    "COST-1",
    "the tokens recorded are those that the models served",
    proven("*/tokens_accounted/*", "*/tokens_accounted"),
)
item("COST-2", "the session's cap holds, also for tasks at the same time", proven(), how="windtunnel scenarios")
item(
    "COST-3",
    "an alert on token cost exists for each agent",
    written(cost_by_agent, "an alert on cost by agent", "alert on `sum by (agent) (rate(tokens[5m]))`"),
    how=RULES,
)
item(
    "COST-4",
    "the dead letter queue is watched, and no retry storm is silent",
    written(
        alerts_on(dead_letters=r"dlq|dead[-_]?letter"),
        "an alert on dead letters",
        "alert when the queue of dead letters grows",
    ),
    proven(),
    how=f"windtunnel scenarios, windtunnel chaos; {RULES}",
)
