"""What the manifests of production say of workloads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.cluster.manifests.documents import Document
from harness.cluster.manifests.kustomize import containers_of
from harness.core.findings import Evidence
from harness.core.verdict import Verdict
from harness.readiness.item import Basis, Item, Ruling

SCALED = ("Deployment",)
RUNNING = ("Deployment", "StatefulSet", "DaemonSet")
Decision = Callable[[Item, Basis], Ruling | None]


@dataclass(frozen=True)
class Objection:
    """An object, by file and line, that does not do what an item asks."""

    document: Document
    text: str

    @property
    def shown(self) -> str:
        return f"{self.document.file}:{self.document.line}: {self.document.kind} {self.document.name}: {self.text}"


def written(look: Callable[[Sequence[Document]], Iterable[Objection] | None], what: str, fix: str) -> Decision:
    """Decided by the manifests: `look` gives what is wrong with them, None where there is nothing to look at."""

    def decide(self: Item, basis: Basis) -> Ruling | None:
        if not basis.manifests:
            return None
        found = look(basis.manifests)
        if found is None:
            return None
        objections = list(found)
        if not objections:
            return Ruling(Verdict.PASS, what, (Evidence(text=f"{what}: {_files(basis.manifests)}"),))
        first = objections[0].document
        return Ruling(
            Verdict.FAIL,
            f"{len(objections)} object(s): {objections[0].document.kind} {first.name}: {objections[0].text}",
            tuple(Evidence(text=objection.shown) for objection in objections[:8]),
            fix,
        )

    return decide


def of_kind(documents: Sequence[Document], *kinds: str) -> list[Document]:
    """The objects of these kinds."""
    return [document for document in documents if document.kind in kinds]


def pod_spec(document: Document) -> dict[str, Any]:
    """The pod of a workload."""
    found: dict[str, Any] = ((document.body.get("spec") or {}).get("template") or {}).get("spec") or {}
    return found


def labels_of(document: Document) -> dict[str, str]:
    """The labels that a workload's pods have."""
    template = (document.body.get("spec") or {}).get("template") or {}
    found: dict[str, str] = (template.get("metadata") or {}).get("labels") or {}
    return found


def each_container(
    kinds: Sequence[str], look: Callable[[dict[str, Any]], str]
) -> Callable[[Sequence[Document]], Iterable[Objection] | None]:
    """Objections to containers; `look` says what is wrong with one, or nothing."""

    def objections(documents: Sequence[Document]) -> Iterable[Objection] | None:
        workloads = of_kind(documents, *kinds)
        if not workloads:
            return None
        return [
            Objection(workload, f"container {container.get('name')}: {text}")
            for workload in workloads
            for container in containers_of(workload.body)
            if (text := look(container))
        ]

    return objections


def selects(selector: dict[str, Any] | None, labels: dict[str, str]) -> bool:
    """Whether a label selector (matchLabels and `In`, `Exists` expressions) picks pods with `labels`."""
    selector = selector or {}
    if not selector:
        return False
    wanted = selector.get("matchLabels") or {}
    for expression in selector.get("matchExpressions") or ():
        key, values = expression.get("key"), expression.get("values") or ()
        match expression.get("operator"):
            case "In" if labels.get(key) in values:
                continue
            case "Exists" if key in labels:
                continue
            case "NotIn" if labels.get(key) not in values:
                continue
            case "DoesNotExist" if key not in labels:
                continue
            case _:
                return False
    return all(labels.get(key) == value for key, value in wanted.items())


def _files(documents: Sequence[Document]) -> str:
    return ", ".join(sorted({str(document.file) for document in documents})[:6])
