"""Progress for a person at a terminal, and for a log in CI."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.core.clock import Clock

QUIET_S = 10.0  # in a log, a step that goes on is repeated no oftener than this


@dataclass
class ConsoleProgress:
    """Lasting lines scroll by with the time since the start; the current step stands below them.

    Without a terminal there is nothing to redraw: steps become lines, at most one every ten seconds unless
    the step is new.
    """

    console: Console
    clock: Clock
    _began: float = field(init=False)
    _live: Live | None = field(init=False, default=None)
    _last: tuple[str, float] = field(init=False, default=("", float("-inf")))

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()

    def step(self, text: str) -> None:
        now = self.clock.monotonic()
        if self.console.is_terminal:
            if self._live is None:
                self._live = Live(console=self.console, transient=True, refresh_per_second=8)
                self._live.start()
            self._live.update(Text.assemble((f"{self._stamp(now)} ", "dim"), ("› ", "cyan"), text))
            return
        head = text.split(",")[0].split(":")[0]
        if head != self._last[0] or now - self._last[1] >= QUIET_S:
            self._last = (head, now)
            self.console.print(f"{self._stamp(now)}   {text}", highlight=False, markup=False, soft_wrap=True)

    def line(self, text: str) -> None:
        now = self.clock.monotonic()
        self.console.print(
            Text.assemble((f"{self._stamp(now)} ", "dim"), Text.from_markup(text)),
            highlight=False,
            soft_wrap=True,
        )

    def close(self) -> None:
        """Take the current step away; the lines stay."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _stamp(self, now: float) -> str:
        seconds = int(now - self._began)
        return f"{seconds // 60}:{seconds % 60:02d}"
