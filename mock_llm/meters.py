"""Counters for Prometheus, written by hand: a few dictionaries are all the hot path can afford."""

from __future__ import annotations

from collections import Counter


class Meters:
    """What /metrics shows."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()  # protocol, model, status
        self.tokens: Counter[tuple[str, str]] = Counter()  # model, direction
        self.faults: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.aborted = 0

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
        family("mock_llm_in_flight", "gauge", "Requests being answered.", [("", in_flight)])
        family("mock_llm_sessions", "gauge", "Sessions.", [("", sessions)])
        return "\n".join(lines) + "\n"


def _esc(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
