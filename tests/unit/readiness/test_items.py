"""Every item holds by its evidence, fails by the opposite, and is not run without any."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.chaos.experiment import find
from harness.cluster.manifests import kustomize
from harness.cluster.manifests.documents import Document
from harness.contracts.proves import PROVES
from harness.core.config import Waiver
from harness.core.errors import ConfigError
from harness.core.events import proofs
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.load.profile import read_profile
from harness.readiness.checklist import decide, gate, items, required, score
from harness.readiness.item import Basis, Proof
from harness.scenarios.reading import read_folder

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 24)
ITEMS = items()
WRITTEN = {"SVC-6", "DEP-1", "DEP-2", "DEP-3", "DEP-4", "DEP-5", "COST-3"}  # by manifests alone
BOTH = {"OBS-5", "DEP-6", "COST-4"}
CHECKED = {
    "SVC-1": ("contracts/x/probes/probes.health.reports/x",),
    "OBS-5": ("chaos/alerts/a",), "COST-1": ("scenarios/tokens_accounted",),
    "OBS-6": tuple(f"scenarios/logs/logs.{check}/x" for check in ("no_prompt", "json", "fields", "no_session")),
}  # fmt: skip


@functools.cache
def shipped() -> dict[str, tuple[str, ...]]:
    """What the suites in this repository say they prove."""
    rows = [(scenario.name, scenario.proves) for scenario in read_folder(ROOT / "scenarios")]
    found = dict(PROVES)
    for suite, scopes in (
        ("scenarios", rows),
        ("chaos", [(each.name, each.extension.proves) for each in find(ROOT / "chaos", ())]),
        ("load", [("10x-peak", read_profile(ROOT / "load", "10x-peak").proves)]),
    ):
        for item, patterns in proofs(suite, scopes).items():
            found[item] = (*found.get(item, ()), *patterns)
    return found


@functools.cache
def _pinned() -> tuple[Document, ...]:
    documents = kustomize.load(ROOT / "reference_agents/k8s/overlays/production")
    for document in documents:
        for container in kustomize.containers_of(document.body):
            container["image"] = f"{container['image']}@sha256:{'0' * 64}"
    return tuple(documents)


def production() -> list[Document]:
    """Manifests in which nothing is wrong: those of production, with their images pinned."""
    return copy.deepcopy(list(_pinned()))


def finding(id: str, verdict: Verdict = Verdict.PASS) -> Proof:
    suite, _, rest = id.partition("/")
    scope = rest.partition("/")[0]
    return Proof(Finding(id=id, suite=suite, scope=scope, title="t", verdict=verdict, summary="s", fix="mend it"), "r1")


def basis(item: str, *, last: Verdict = Verdict.PASS, manifests: bool = True) -> Basis:
    """All evidence of one item; its last finding is `last`."""
    ids = [pattern.replace("*", "x") for pattern in shipped().get(item, ())]
    ids += CHECKED.get(item, ())
    found = [finding(id) for id in ids[:-1]] + [finding(id, last) for id in ids[-1:]]
    return Basis(found, shipped(), production() if manifests else ())


def ruled(item: str, basis: Basis) -> Verdict:
    return ITEMS[item].decide(ITEMS[item], basis).verdict


def test_the_checklist_has_its_33_items_in_order() -> None:
    numbers = {"SVC": 6, "REL": 9, "OBS": 6, "DEP": 8, "COST": 4}
    assert list(ITEMS) == [f"{area}-{n}" for area, most in numbers.items() for n in range(1, most + 1)]


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_holds_by_evidence_and_is_not_run_without(item: str) -> None:
    assert ruled(item, basis(item)) is Verdict.PASS
    nothing = ITEMS[item].decide(ITEMS[item], Basis((), shipped(), ()))
    assert nothing.verdict is Verdict.NOT_RUN and "run:" in nothing.summary


@pytest.mark.parametrize("item", sorted(set(ITEMS) - WRITTEN))
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_RUN])
def test_one_finding_that_does_not_hold_is_what_the_item_comes_to(item: str, verdict: Verdict) -> None:
    ruling = ITEMS[item].decide(ITEMS[item], basis(item, last=verdict))
    assert ruling.verdict is verdict and ruling.evidence and ruling.fix == "mend it" and ruling.runs == ("r1",)


@pytest.mark.parametrize("item", sorted(BOTH))
def test_half_the_evidence_is_no_pass(item: str) -> None:
    assert ruled(item, basis(item, manifests=False)) is Verdict.NOT_RUN
    assert ruled(item, Basis((), shipped(), production())) is Verdict.NOT_RUN


@pytest.mark.parametrize("missing", CHECKED["OBS-6"])
def test_logs_without_a_leak_are_no_proof_of_logs_that_can_be_searched(missing: str) -> None:
    found = [finding(id) for id in CHECKED["OBS-6"] if id != missing]
    assert ruled("OBS-6", Basis(found, shipped(), ())) is Verdict.NOT_RUN


def test_a_scenario_that_says_it_proves_an_item_and_did_not_run_leaves_it_undecided() -> None:
    whole = basis("REL-8")
    assert ruled("REL-8", Basis(whole.proofs[1:], whole.proves, whole.manifests)) is Verdict.NOT_RUN


Change = Callable[[Any, Any], Any]


def changed(kind: str, change: Change | None) -> list[Document]:
    """The manifests with one thing wrong in every object of `kind`: `change(spec, body)`; None leaves them out."""
    documents = production()
    if change is None:
        return [each for each in documents if each.kind != kind]
    for each in documents:
        if each.kind == kind:
            change(each.body.get("spec"), each.body)
    return documents


def first(spec: Any) -> Any:
    return spec["template"]["spec"]["containers"][0]


def only(spec: Any, word: str) -> None:
    """Leave out the rules whose alert has `word` in its name."""
    for group in spec["groups"]:
        group["rules"] = [rule for rule in group["rules"] if word not in rule["alert"]]


KEY = {"name": "OPENAI_API_KEY", "value": "abc"}
ELSEWHERE = {"matchLabels": {"app": "elsewhere"}}
WRONG: list[tuple[str, str, Change | None]] = [
    ("SVC-6", "Deployment", lambda spec, body: first(spec).setdefault("env", []).append(KEY)),
    ("SVC-6", "ConfigMap", lambda spec, body: body["data"].update(DB_PASSWORD="hunter2")),
    ("SVC-6", "ConfigMap", lambda spec, body: body["data"].update(notes="use sk-abcdefghijklmnopqrstuv")),
    ("DEP-1", "StatefulSet", lambda spec, body: first(spec).update(image="redis:7")),
    ("DEP-2", "HorizontalPodAutoscaler", lambda spec, body: spec.update(metrics=spec["metrics"][:1])),
    ("DEP-2", "HorizontalPodAutoscaler", None),
    ("DEP-3", "PodDisruptionBudget", None),
    ("DEP-3", "PodDisruptionBudget", lambda spec, body: spec.update(minAvailable=0)),
    ("DEP-3", "PodDisruptionBudget", lambda spec, body: spec.update(selector=ELSEWHERE)),
    ("DEP-4", "Deployment", lambda spec, body: spec["template"]["spec"].pop("topologySpreadConstraints", None)),
    ("DEP-5", "Deployment", lambda spec, body: first(spec)["resources"].pop("limits")),
    ("DEP-6", "Deployment", lambda spec, body: first(spec).pop("lifecycle", None)),
    ("DEP-6", "Deployment", lambda spec, body: spec.update(strategy={"type": "Recreate"})),
    ("OBS-5", "PrometheusRule", lambda spec, body: only(spec, "ErrorRate")),
    ("OBS-5", "PrometheusRule", lambda spec, body: only(spec, "Runaway")),
    ("OBS-5", "PrometheusRule", lambda spec, body: only(spec, "TokenCost")),
    ("OBS-5", "PrometheusRule", lambda spec, body: only(spec, "Latency")),
    ("COST-3", "PrometheusRule", lambda spec, body: only(spec, "TokenCost")),
    ("COST-4", "PrometheusRule", lambda spec, body: only(spec, "DLQ")),
]


@pytest.mark.parametrize(("item", "kind", "change"), WRONG, ids=[f"{item}-{n}" for n, (item, _, _) in enumerate(WRONG)])
def test_manifests_with_one_thing_wrong_are_named_by_file_and_line(item: str, kind: str, change: Change | None) -> None:
    good = basis(item)
    ruling = ITEMS[item].decide(ITEMS[item], Basis(good.proofs, good.proves, changed(kind, change)))
    assert ruling.verdict is Verdict.FAIL and ruling.fix
    file, line, _ = ruling.evidence[0].text.split(":", 2)
    assert Path(file).is_file() and int(line) > 0


@pytest.mark.parametrize("value", ["/etc/secrets/token", "https://auth/token", "900", ""])
def test_where_a_secret_lies_is_no_secret(value: str) -> None:
    documents = changed("ConfigMap", lambda spec, body: body["data"].update(AUTH_TOKEN=value))
    assert ruled("SVC-6", Basis((), {}, documents)) is Verdict.PASS


def waiver(item: str, until: str) -> Waiver:
    return Waiver(item=item, reason="the pipeline pins them", until=date.fromisoformat(until))


def test_a_waiver_opens_the_gate_until_its_day_and_never_counts_as_evidence() -> None:
    nothing = Basis((), shipped(), ())
    rows = decide(nothing, [waiver("DEP-1", "2026-11-24")], TODAY)
    (row,) = required(rows, ["DEP-1"])
    assert row.ruling.verdict is Verdict.NOT_RUN and "pipeline" in row.waived
    assert gate([row]) is Verdict.PASS and score(rows) == (0, 33)
    (over,) = required(decide(nothing, [waiver("DEP-1", "2026-11-23")], TODAY), ["DEP-1"])
    assert not over.waived and "ended on 2026-11-23" in over.ruling.summary and gate([over]) is Verdict.NOT_RUN


def test_a_gate_or_a_waiver_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="no item 'DEP-9'"):
        decide(Basis(), [waiver("DEP-9", "2027-01-01")], TODAY)
    with pytest.raises(ConfigError, match="'REL-10'"):
        required(decide(Basis(), [], TODAY), ["REL-*", "REL-10"])


def test_every_item_that_suites_prove_is_proven_by_a_suite_here() -> None:
    named: dict[str, Any] = shipped()
    assert set(named) <= set(ITEMS)
    assert set(ITEMS) - set(named) == WRITTEN | (set(CHECKED) - set(named))
