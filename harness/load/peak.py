"""The peak that production already has: p99 of one-minute arrivals, from an access log or from Prometheus.

The busiest minute of all is often an accident and the mean hides the evening; the p99 of the minutes is
what a service has to carry as a matter of course, and what a profile multiplies.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

# [10/Oct/2000:13:55:36 -0700], as Apache's and nginx's common and combined formats have it
_STAMP = re.compile(r"\[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]")
_FORMAT = "%d/%b/%Y:%H:%M:%S %z"
MINUTE_S = 60


def of_access_log(lines: Iterable[str]) -> float:
    """Arrivals a second. Minutes without a request, between the first and the last, count as empty ones.

    Raises ValueError with the number of the first line that has no time stamp, and for an empty log.
    """
    minutes: Counter[int] = Counter()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _STAMP.search(line)
        if found is None:
            raise ValueError(f"line {number} has no time stamp such as [10/Oct/2000:13:55:36 -0700]")
        try:
            at = datetime.strptime(found[1], _FORMAT)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        minutes[int(at.timestamp()) // MINUTE_S] += 1
    if not minutes:
        raise ValueError("the access log has no requests")
    # Only the minutes with requests are held: a log may have a stray line from years before.
    empty = max(minutes) - min(minutes) + 1 - len(minutes)
    rank = math.ceil(0.99 * (empty + len(minutes)))
    count = 0 if rank <= empty else sorted(minutes.values())[rank - empty - 1]
    return _some(count / MINUTE_S)


def of_prometheus(text: str) -> float:
    """Arrivals a second, of the answer to a range query for a rate over one minute; series are added up.

    Raises ValueError where the text is not such an answer.
    """
    try:
        data = json.loads(text)
        series = data["data"]["result"]
        at: defaultdict[float, float] = defaultdict(float)
        for one in series:
            for when, value in one["values"]:
                if math.isfinite(float(value)):
                    at[float(when)] += float(value)
    except (KeyError, TypeError, ValueError):
        raise ValueError("not the JSON of Prometheus's query_range: want data.result[].values") from None
    if not at:
        raise ValueError("Prometheus's answer has no values")
    return _some(_p99(list(at.values())))


def _p99(values: Sequence[float]) -> float:
    """Nearest rank (Hyndman and Fan, 1996, definition 1)."""
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def _some(peak: float) -> float:
    if peak <= 0:
        raise ValueError("the p99 of its minutes is no request at all, so there is no peak to multiply")
    return peak
