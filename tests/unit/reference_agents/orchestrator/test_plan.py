"""A plan that is accepted comes to an end; one that is not says why."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_agents.orchestrator.plan import Node, PlanError, plan_of, waves

AGENTS = ("search", "email")


def node(name: str, *needs: str, agent: str = "search") -> dict[str, Any]:
    return {"id": name, "agent": agent, "prompt": f"do {name}", "depends_on": list(needs)}


@st.composite
def dags(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Nodes that only need earlier ones, in an order that does not show it."""
    size = draw(st.integers(1, 12))
    rows = [
        node(str(n), *(str(m) for m in draw(st.sets(st.integers(0, n - 1))))) if n else node("0") for n in range(size)
    ]
    return draw(st.permutations(rows))


@st.composite
def cyclic(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A DAG with one ring laid through some of its nodes."""
    rows = [dict(row) for row in draw(dags())]
    ring = draw(st.lists(st.sampled_from(rows), min_size=1, unique_by=lambda row: row["id"]))
    for row, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        row["depends_on"] = [*row["depends_on"], following["id"]]
    return rows


@given(dags())
def test_every_node_is_in_one_wave_after_all_that_it_needs_and_no_later(rows: list[dict[str, Any]]) -> None:
    plan = plan_of({"nodes": rows}, AGENTS, 25)
    found = waves(plan.nodes)
    level = {each.id: number for number, wave in enumerate(found) for each in wave}
    assert sorted(level) == sorted(row["id"] for row in rows)
    assert sum(map(len, found)) == len(rows)
    for each in plan.nodes:
        assert level[each.id] == max((level[dep] + 1 for dep in each.depends_on), default=0)


@given(cyclic())
def test_a_cycle_is_refused_and_its_path_is_one(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(PlanError, match="cycle: ") as caught:
        plan_of({"nodes": rows}, AGENTS, 25)
    path = str(caught.value).removeprefix("cycle: ").split(" -> ")
    needs = {row["id"]: row["depends_on"] for row in rows}
    assert path[0] == path[-1]
    assert all(after in needs[before] for before, after in pairwise(path))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["nodes", "id", "agent", "prompt", "depends_on"]), inner)
        ),
    )
)
def test_whatever_a_model_writes_is_a_plan_or_a_plan_error(data: object) -> None:
    try:
        plan = plan_of(data, AGENTS, 5)
    except PlanError:
        return
    assert 1 <= len(plan.nodes) <= 5


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([node("a", agent="nobody")], r"node 'a': unknown agent 'nobody'; there are: email, human, search"),
        ([node("a", "b")], r"node 'a': unknown dependency 'b'"),
        ([node("a"), node("a")], r"the id 'a' is given to 2 nodes"),
        ([node("a", "a")], r"cycle: a -> a"),
        ([], r"nodes: "),
        ([node(str(n)) for n in range(4)], r"4 nodes, at most 3"),
        ([{"id": "a", "agent": "search"}], r"nodes.0.prompt: Field required"),
    ],
)
def test_a_plan_that_cannot_be_run_says_why(rows: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(PlanError, match=why):
        plan_of({"nodes": rows}, AGENTS, 3)


def test_a_plan_may_ask_a_person_three_times_at_most() -> None:
    rows = [node(str(n), agent="human") for n in range(4)]
    assert plan_of({"nodes": rows[:3]}, AGENTS, 25).sinks() == [Node(**row) for row in rows[:3]]
    with pytest.raises(PlanError, match="at most 3 nodes may ask"):
        plan_of({"nodes": rows}, AGENTS, 25)
