"""The sampler writes what changed, says who was up, and marks what was recorded and served."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from harness.core.clock import RealClock
from harness.core.config import Metrics
from harness.core.errors import InfraError
from harness.core.events import Note, Sample
from harness.evidence.metrics import sampler as module
from harness.evidence.metrics.exposition import readings
from harness.evidence.metrics.sampler import Sampler
from harness.evidence.metrics.scrape import Scrape
from harness.evidence.recorder import MemoryRecorder


def exposed(tokens: float, served: float = 0, depth: float = 0) -> str:
    return (
        f'# TYPE tokens_total counter\ntokens_total{{kind="prompt"}} {tokens}\n'
        f"# TYPE mock_llm_tokens_total counter\nmock_llm_tokens_total {served}\n"
        f"# TYPE depth gauge\ndepth {depth}\n# TYPE python_info gauge\npython_info 1\n"
    )


@dataclass
class Pods:
    """What each look shows; the last for ever. None: nobody says which pods there are."""

    looks: list[str | None] = field(default_factory=list)
    wanted: bool = True

    async def scrape(self) -> Scrape:
        text = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if text is None:
            raise InfraError("the cluster is gone")
        return Scrape(dict(readings(text, "agent", "agent-1")), {"agent-1"}, {"agent-2": "ConnectError"})


def following(*looks: str | None, **settings: object) -> tuple[Sampler, MemoryRecorder]:
    recorder = MemoryRecorder(clock=RealClock())
    return Sampler(Pods(list(looks)), recorder, Metrics.model_validate(settings)), recorder  # type: ignore[arg-type]


def samples(recorder: MemoryRecorder, prefix: str = "") -> list[tuple[str, float]]:
    return [
        (event.body.name, event.body.value)
        for event in recorder.events
        if isinstance(event.body, Sample) and event.body.name.startswith(prefix)
    ]


async def test_only_changes_are_written_with_their_kind_and_pod_and_no_runtime_metrics() -> None:
    sampler, recorder = following(exposed(1), exposed(1), exposed(4, depth=2))
    for _ in range(3):
        await sampler.look()
    assert samples(recorder, "tokens") == [("tokens_total", 1), ("tokens_total", 4)]
    assert samples(recorder, "depth") == [("depth", 0), ("depth", 2)]
    assert samples(recorder, "python") == []
    first = next(e.body for e in recorder.events if isinstance(e.body, Sample) and e.body.name == "tokens_total")
    assert first.labels == {"kind": "prompt", "pod": "agent-1"}
    assert (first.kind, first.service) == ("counter", "agent")


async def test_each_look_says_which_pods_were_up() -> None:
    sampler, recorder = following(exposed(1))
    await sampler.look()
    await sampler.look()
    rows = [e.body for e in recorder.events if isinstance(e.body, Sample) and e.body.name == "up"]
    assert [(row.labels["pod"], row.value) for row in rows] == [("agent-1", 1), ("agent-2", 0)] * 2


async def test_names_choose() -> None:
    sampler, recorder = following(exposed(1), names=["dep*"])
    await sampler.look()
    assert [name for name, _ in samples(recorder)] == ["up", "up", "depth"]


async def test_a_mark_counts_from_the_runs_beginning_and_says_whether_all_was_still() -> None:
    sampler, recorder = following(exposed(10, 7), exposed(15, 12), tokens_recorded="tokens_total")
    await sampler.look()
    await sampler.mark("load")
    assert samples(recorder, "windtunnel_") == [
        ("windtunnel_tokens_recorded", 5),
        ("windtunnel_tokens_served", 5),
        ("windtunnel_tokens_lost", 0),
        ("windtunnel_tokens_unseen", 0),
        ("windtunnel_tokens_still", 1),
    ]
    assert {event.suite for event in recorder.events[-5:]} == {"load"}


async def test_what_does_not_come_to_rest_is_marked_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STILL_PAUSE_S", 0.0)
    sampler, recorder = following(*(exposed(n) for n in range(40)), tokens_recorded="tokens_total")
    await sampler.mark("load")
    assert samples(recorder, "windtunnel_tokens_still") == [("windtunnel_tokens_still", 0)]


async def test_without_a_name_for_recorded_tokens_nothing_is_marked() -> None:
    sampler, recorder = following(exposed(1))
    await sampler.mark("load")
    assert recorder.events == []


async def test_a_cluster_that_does_not_answer_is_noted_once() -> None:
    sampler, recorder = following(None)
    assert await sampler.look() is None
    await sampler.look()
    assert [e.body for e in recorder.events] == [Note(level="warning", text="metrics: the cluster is gone")]


async def test_series_without_end_are_left_out_and_that_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SERIES", 2)
    sampler, recorder = following(exposed(1))
    await sampler.look()
    await sampler.look()
    assert len(samples(recorder)) == 2 + 4  # two series, and `up` twice for two pods
    assert len([event for event in recorder.events if isinstance(event.body, Note)]) == 1
