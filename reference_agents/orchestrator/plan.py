"""A plan and its waves. Pure: a plan that is accepted here always comes to an end.

a ──▶ b ──┐
 └──▶ c ──┴──▶ d        waves: [a] [b c] [d]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

HUMAN = "human"
"""The agent that is a person: its node's prompt is put to whoever asked for the task."""

MOST_QUESTIONS = 3
"""Each may park the task once, and a task that was claimed too often is given up (tasks/store.py)."""


class PlanError(Exception):
    """The plan cannot be run; the text says why, in words that a model can mend it by."""


class Node(BaseModel):
    """One piece of work: what which agent is asked, and whose answers it needs first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    agent: Annotated[str, Field(min_length=1, max_length=64)]
    prompt: Annotated[str, Field(min_length=1, max_length=16_384)]
    depends_on: tuple[str, ...] = ()


class Plan(BaseModel):
    """Nodes that are known to form a DAG over known agents: made by `plan_of` only."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    nodes: Annotated[tuple[Node, ...], Field(min_length=1)]

    def sinks(self) -> list[Node]:
        """The nodes that no other needs: what the plan is for."""
        needed = {dep for node in self.nodes for dep in node.depends_on}
        return [node for node in self.nodes if node.id not in needed]


def plan_of(data: object, agents: Collection[str], most: int) -> Plan:
    """`data`, as a model wrote it, as a plan of at most `most` nodes over `agents` and `human`.

    Raises PlanError naming what is wrong: a missing or malformed field, an id given twice, an unknown agent, a
    dependency that is not there, a cycle with its path.
    """
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "plan"
        raise PlanError(f"{where}: {first['msg']}") from None
    if len(plan.nodes) > most:
        raise PlanError(f"{len(plan.nodes)} nodes, at most {most} are allowed")
    ids = [node.id for node in plan.nodes]
    for name in ids:
        if ids.count(name) > 1:
            raise PlanError(f"the id {name!r} is given to {ids.count(name)} nodes")
    for node in plan.nodes:
        if node.agent != HUMAN and node.agent not in agents:
            known = ", ".join(sorted({*agents, HUMAN}))
            raise PlanError(f"node {node.id!r}: unknown agent {node.agent!r}; there are: {known}")
        for dep in node.depends_on:
            if dep not in ids:
                raise PlanError(f"node {node.id!r}: unknown dependency {dep!r}")
    if sum(1 for node in plan.nodes if node.agent == HUMAN) > MOST_QUESTIONS:
        raise PlanError(f"at most {MOST_QUESTIONS} nodes may ask the {HUMAN}")
    waves(plan.nodes)
    return plan


def waves(nodes: Sequence[Node]) -> list[list[Node]]:
    """The nodes in waves: each node in the first wave after all that it depends on, in the order given.

    Kahn, "Topological sorting of large networks", CACM 5(11), 1962, a level at a time. Raises PlanError naming a cycle.
    """
    left = list(nodes)
    done: set[str] = set()
    result = []
    while left:
        wave = [node for node in left if done.issuperset(node.depends_on)]
        if not wave:
            raise PlanError(f"cycle: {' -> '.join(_cycle({node.id: node.depends_on for node in left}))}")
        result.append(wave)
        done.update(node.id for node in wave)
        left = [node for node in left if node.id not in done]
    return result


def _cycle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """A cycle in a graph whose every node needs another node of it."""
    path = [next(iter(needs))]
    while True:
        following = next(dep for dep in needs[path[-1]] if dep in needs)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)
