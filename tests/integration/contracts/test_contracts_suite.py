"""The suite on a healthy subject stays green, and each known defect is caught by the check it belongs to."""

import asyncio
import dataclasses
import json

import pytest

from harness.contracts.baseline import contracts, diff, markdown, record
from harness.contracts.suite import ContractsSuite, plan
from harness.core.config import Service
from harness.core.errors import ConfigError
from harness.core.events import Note, SuiteEnded, SuiteStarted


async def test_a_healthy_service_keeps_every_promise(bench, subject):
    url, spec = subject("agent")
    await ContractsSuite().run(bench.context(url, spec))
    assert [c for c in bench.checks if c.outcome != "pass"] == []
    assert set(bench.outcomes()) == {"pass"}
    names = {check.check for check in bench.checks}
    assert {
        "openapi.response_schema_conformance",
        "tasks.transitions",
        "tasks.location",
        "idempotency.concurrent",
        "limits.bounds",
        "limits.hostile_body",
        "probes.ready",
        "metrics.consistent",
    } <= names
    first, last = bench.recorder.events[0].body, bench.recorder.events[-1].body
    assert isinstance(first, SuiteStarted)
    assert isinstance(last, SuiteEnded)
    scopes = {event.scope for event in bench.recorder.events}
    assert set(first.expects) <= scopes


@pytest.mark.parametrize(
    ("flaw", "check"),
    [
        ("no-location", "tasks.location"),
        ("no-output", "tasks.result"),
        ("undeclared-state", "tasks.transitions"),
        ("goes-back", "tasks.transitions"),
        ("flickers", "tasks.terminal"),
        ("late-cancel", "tasks.terminal"),
        ("forgets-cancel", "tasks.cancel"),
        ("unknown-is-200", "tasks.unknown.status"),
        ("no-idempotency", "idempotency.repeat"),
        ("racy-idempotency", "idempotency.concurrent"),
        ("ignores-body", "idempotency.other_body"),
        ("crash-on-bad-body", "limits.hostile_body"),
    ],
)
async def test_a_defect_of_the_task_api_is_caught(bench, subject, flaw, check):
    url, spec = subject("agent", flaw)
    await ContractsSuite().run(bench.context(url, spec, "tasks", quick=True))
    assert check in bench.failed(), bench.checks
    broken = next(row for row in bench.checks if row.check == check and row.outcome == "fail")
    assert broken.payload
    assert "127.0.0.1" in json.dumps(broken.payload)


@pytest.mark.parametrize(
    ("flaw", "group", "check"),
    [
        ("not-ready", "probes", "probes.ready"),
        ("broken-histogram", "metrics", "metrics.consistent"),
        ("no-metrics", "metrics", "metrics.parses"),
        ("crash-on-bad-body", "openapi", "openapi.not_a_server_error"),
        ("undeclared-answer", "openapi", "openapi.response_schema_conformance"),
    ],
)
async def test_a_defect_of_the_http_surface_is_caught(bench, subject, flaw, group, check):
    url, spec = subject("agent", flaw)
    await ContractsSuite().run(bench.context(url, spec, group))
    assert check in bench.failed(), bench.checks
    broken = next(row for row in bench.checks if row.check == check and row.outcome == "fail")
    assert broken.replay.startswith("curl")


async def test_a_healthy_registry_lets_good_arguments_through_and_no_others(bench, subject):
    url, spec = subject("registry")
    await ContractsSuite().run(bench.context(url, spec, examples=12))
    assert set(bench.outcomes()) == {"pass"}, bench.checks
    gate = next(row for row in bench.checks if row.check == "tools.gate")
    assert gate.cases == 12


@pytest.mark.parametrize(
    ("flaw", "check"),
    [
        ("invalid-schema", "tools.valid"),
        ("undescribed", "tools.lint"),
        ("no-validation", "tools.refuses"),
        ("no-validation", "tools.gate"),
        ("late-validation", "tools.gate"),
        ("refuses-short", "tools.accepts"),
        ("wrong-result", "tools.returns"),
        ("no-acl", "tools.access"),
    ],
)
async def test_a_defect_of_the_tools_is_caught(bench, subject, flaw, check):
    url, spec = subject("registry", flaw)
    await ContractsSuite().run(bench.context(url, spec, "tools", examples=12))
    assert check in bench.failed(), bench.checks


async def test_a_ledger_that_shows_nothing_witnesses_nothing(bench, subject):
    url, spec = subject("registry", "dead-ledger")
    await ContractsSuite().run(bench.context(url, spec, "tools"))
    assert "tools.gate" in bench.outcomes()["inconclusive"]


async def test_a_service_that_is_down_is_infra_and_no_failure(bench):
    spec = Service(openapi="/openapi.json", metrics="/metrics")
    await ContractsSuite().run(bench.context("http://127.0.0.1:9", spec))
    assert set(bench.outcomes()) == {"infra"}


async def test_what_is_not_declared_is_a_note_and_never_a_check(bench, subject):
    url, _ = subject("agent")
    silent = Service(ready=None)
    await ContractsSuite().run(bench.context(url, silent))
    assert {check.check for check in bench.checks} == {"probes.health"}
    notes = [e.body.text for e in bench.recorder.events if isinstance(e.body, Note)]
    assert any("ready" in text for text in notes)


async def test_stop_ends_the_suite_and_its_worker_at_once(bench, subject):
    url, spec = subject("agent")
    context = bench.context(url, spec, "openapi", examples=2000)
    running = asyncio.create_task(ContractsSuite().run(context))
    await asyncio.sleep(1.5)
    bench.stop.set()
    await asyncio.wait_for(running, 10)
    last = bench.recorder.events[-1].body
    assert isinstance(last, SuiteEnded)
    assert last.outcome == "interrupted"


async def test_a_baseline_is_recorded_and_a_break_found_with_a_payload_that_shows_it(bench, subject):
    url, spec = subject("registry")
    context = bench.context(url, spec)
    files = await record(context.config, context.target)
    assert [file.name for file in files] == ["svc.json"]
    assert all(not row.changes for row in await diff(context.config, context.target))

    url, spec = subject("registry", "narrowed")
    later = bench.context(url, spec, "baseline")
    (difference,) = await diff(later.config, later.target)
    witness = difference.breaking[0].witness
    assert isinstance(witness, dict)
    assert 5 < witness["limit"] <= 10
    assert "**major**" in markdown([difference])
    await ContractsSuite().run(later)
    assert bench.failed() == {"baseline.tools.compatible"}


async def test_a_stale_baseline_fails_as_well(bench, subject):
    url, spec = subject("registry")
    context = bench.context(url, spec)
    await record(context.config, context.target)
    url, spec = subject("registry", "reworded")
    await ContractsSuite().run(bench.context(url, spec, "baseline"))
    assert bench.failed() == {"baseline.tools.current"}


async def test_a_baseline_that_is_no_contract_names_its_file(bench, subject):
    url, spec = subject("registry")
    context = bench.context(url, spec)
    (contract,) = contracts(context.config, context.target)
    contract.baseline.parent.mkdir(parents=True)
    contract.baseline.write_text("{")
    with pytest.raises(ConfigError, match=r"svc\.json"):
        await diff(context.config, context.target)


def test_a_quick_run_leaves_slow_groups_out_unless_they_are_named(bench):
    context = bench.context("http://127.0.0.1:9", Service(openapi="/openapi.json", depends_on=("store",)))
    target = dataclasses.replace(context.target, cluster_state="somewhere")

    def scopes(*only: str, quick: bool) -> set[str]:
        return {part.group for part in plan(target, context.config, only, quick=quick)}

    assert scopes(quick=False) - scopes(quick=True) == {"dependencies"}
    assert scopes("dependencies", quick=True) == {"dependencies"}


def test_a_misspelt_part_is_answered_with_the_closest_name(bench):
    context = bench.context("http://127.0.0.1:9", Service(openapi="/openapi.json"))
    with pytest.raises(ConfigError, match="openapi"):
        plan(context.target, context.config, ("opnapi",))
