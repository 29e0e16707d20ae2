"""Counters for Prometheus, written by hand: a few dictionaries are all the hot path can afford."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from mock_llm.histogram import Histogram

Histograms = defaultdict[tuple[str, str], Histogram]  # protocol, path as its route writes it


class Meters:
    """What /metrics shows."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()  # protocol, model, status
        self.tokens: Counter[tuple[str, str]] = Counter()  # model, direction
        self.faults: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.aborted = 0
        self.first_byte: Histograms = defaultdict(Histogram)
        self.duration: Histograms = defaultdict(Histogram)

    def text(self, in_flight: int, sessions: int) -> str:
        """The Prometheus text exposition (format 0.0.4)."""
        lines: list[str] = []

        def family(name: str, kind: str, help_text: str, samples: list[tuple[str, float]]) -> None:
            lines.extend((f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"))
            lines.extend(f"{name}{labels} {value}" for labels, value in samples)

        family(
            "mock_llm_requests_total",
            "counter",
            "Requests answered.",
            [
                (f'{{protocol="{_esc(p)}",model="{_esc(m)}",status="{s}"}}', n)
                for (p, m, s), n in sorted(self.requests.items())
            ],
        )
        family(
            "mock_llm_tokens_total",
            "counter",
            "Tokens in prompts and completions.",
            [(f'{{model="{_esc(m)}",direction="{d}"}}', n) for (m, d), n in sorted(self.tokens.items())],
        )
        family(
            "mock_llm_faults_total",
            "counter",
            "Faults that struck.",
            [(f'{{kind="{_esc(k)}"}}', n) for k, n in sorted(self.faults.items())],
        )
        family(
            "mock_llm_rules_total",
            "counter",
            "Answers given by each rule.",
            [(f'{{rule="{_esc(r)}"}}', n) for r, n in sorted(self.rules.items())],
        )
        family("mock_llm_aborted_total", "counter", "Requests whose client left first.", [("", self.aborted)])
        lines += _histogram("mock_llm_first_byte_seconds", "From the request to the first byte.", self.first_byte)
        lines += _histogram("mock_llm_duration_seconds", "From the request to the end of the answer.", self.duration)
        family("mock_llm_in_flight", "gauge", "Requests being answered.", [("", in_flight)])
        family("mock_llm_sessions", "gauge", "Sessions.", [("", sessions)])
        return "\n".join(lines) + "\n"


def _histogram(name: str, help_text: str, found: Histograms) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} histogram"
    for (protocol, path), histogram in sorted(found.items()):
        labels = f'protocol="{_esc(protocol)}",path="{_esc(path)}"'
        for bound, below in histogram.buckets():
            yield f'{name}_bucket{{{labels},le="{bound}"}} {below}'
        yield f"{name}_sum{{{labels}}} {histogram.total!r}"
        yield f"{name}_count{{{labels}}} {histogram.count}"


def _esc(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
