"""Draws a chart as PNG with matplotlib, which is loaded when the first chart is drawn."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, DPI = 800, 450, 100
_alone = threading.Lock()  # matplotlib is not safe for threads


def png(kind: str, title: str, labels: Sequence[str], series: Sequence[dict[str, Any]]) -> bytes:
    """A chart of `kind` line, bar or pie: `series` have a name and as many values as there are labels.

    The same figures give the same bytes.
    """
    with _alone:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        places = range(len(labels))
        if kind == "pie":
            axes.pie(series[0]["values"], labels=[_plain(label) for label in labels], autopct="%1.0f%%")
        elif kind == "bar":
            width = 0.8 / len(series)
            for number, row in enumerate(series):
                left = [place - 0.4 + width * (number + 0.5) for place in places]
                axes.bar(left, row["values"], width, label=_plain(row["name"]))
        else:
            for row in series:
                axes.plot(places, row["values"], marker="o", label=_plain(row["name"]))
        if kind != "pie":
            axes.set_xticks(list(places), [_plain(label) for label in labels])
            axes.grid(axis="y", alpha=0.3)
            if len(series) > 1:
                axes.legend()
        axes.set_title(_plain(title))
        out = io.BytesIO()
        figure.savefig(out, format="png", metadata={"Software": None})
        return out.getvalue()


def _plain(text: str) -> str:
    """Text that is not read as mathematics."""
    return text.replace("$", r"\$")
