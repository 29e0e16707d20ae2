"""An edge between two services of the local cluster is delayed, cut, or answers an error of its own."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field, model_validator

from harness.core.errors import ConfigError
from harness.faults.edges import Edges
from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed, strength

EdgeKind = Literal[
    "delay", "loss", "bandwidth", "drip", "black_hole", "half_open", "refuse", "reset", "http", "rewrite", "cut"
]
# What the edge counts when such a fault strikes.
COUNTERS: dict[EdgeKind, tuple[str, ...]] = {
    "loss": ("stalled",),
    "bandwidth": ("delayed",),
    "drip": ("delayed",),
    "black_hole": ("held",),
    "half_open": ("half_open", "held"),
    "rewrite": ("rewritten",),
    "refuse": ("refused",),
    "reset": ("reset",),
    "http": ("answered",),
    "cut": ("reset",),
}


NEEDED: dict[EdgeKind, str] = {"loss": "loss_percent", "bandwidth": "bytes_per_s", "drip": "every_ms"}


class EdgeFaultParams(Params):
    """On the edges from `source` (a workload; None: every pod) to `service`. `delay_ms` is one way, towards the
    service; `status` is what an `http` edge answers in the service's stead. `bandwidth` and `drip` are
    of what comes back."""

    service: str
    source: str
    edge: EdgeKind
    delay_ms: float = Field(0.0, ge=0)
    jitter_ms: float = Field(0.0, ge=0)
    loss_percent: float = Field(0.0, ge=0, lt=100)
    bytes_per_s: float = Field(0.0, ge=0)
    piece_bytes: int = Field(1, ge=1)  # a drip lets so many bytes pass
    every_ms: float = Field(0.0, ge=0)  # ... every so often
    headers: dict[str, str] = Field({})  # of an `http` edge's answer, or put into the service's own by a `rewrite` edge
    body: str = ""
    status: int = Field(503, ge=400, le=599)
    times: int | None = Field(None, ge=1)  # an `http` edge passes requests again after so many
    timeout_s: float = Field(15.0, gt=0)  # how long the witness waits for traffic

    @model_validator(mode="after")
    def _delay(self) -> EdgeFaultParams:
        if (self.edge == "delay") != (self.delay_ms > 0):
            raise ValueError("delay_ms goes with edge: delay, and with it alone")
        for edge, field in NEEDED.items():
            if (self.edge == edge) != (getattr(self, field) > 0):
                raise ValueError(f"{field} goes with edge: {edge}, and with it alone")
        if self.edge == "rewrite" and not (self.headers or self.body):
            raise ValueError("edge: rewrite needs headers or body")
        return self


@FAULTS.register("edge_fault")
class EdgeFaultKind:
    """Witness: the counters of those edges, which the proxy keeps as bytes pass: the mean delay of the chunks
    since the injection, or how many connections or requests the fault struck. It needs traffic."""

    params = EdgeFaultParams

    def plan(self, params: EdgeFaultParams, site: Site) -> Injection:
        edges = Edges.of(site)
        if not edges.rows(params.source, params.service):
            raise ConfigError(
                f"there is no edge from {params.source} to {params.service}",
                hint="an edge exists where a pod's environment names the service",
            )
        name = "windtunnel-" + hashlib.sha256(params.model_dump_json().encode()).hexdigest()[:8]
        return Injection(
            kind="edge_fault",
            subject=f"{params.source} -> {params.service}",
            params=params,
            victims=(params.service,),
            undo=(edges.undo(name),),
            facts={"name": name, "before": _counts(edges, params)},
        )

    def inject(self, injection: Injection, site: Site) -> None:
        params = injection.params
        assert isinstance(params, EdgeFaultParams)
        fault: dict[str, Any] = {"kind": params.edge}
        if params.edge == "delay":
            fault.update(delay_ms=params.delay_ms, jitter_ms=params.jitter_ms, direction="up")
        if params.edge in NEEDED:
            fault[NEEDED[params.edge]] = getattr(params, NEEDED[params.edge])
        if params.edge in ("bandwidth", "drip"):
            fault.update(direction="down")
        if params.edge == "drip":
            fault.update(piece_bytes=params.piece_bytes)
        if params.edge in ("http", "rewrite"):
            fault.update(headers=params.headers, body=params.body)
        if params.edge == "cut":
            fault.update(direction="down", after_bytes=0)  # the request arrives, its answer is lost
        if params.edge == "http":
            fault.update(status=params.status, times=params.times)
        Edges.of(site).put(injection.facts["name"], fault, source=params.source, service=params.service)

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        params = injection.params
        assert isinstance(params, EdgeFaultParams)
        edges = Edges.of(site)
        before: dict[str, float] = injection.facts["before"]
        counters = ("delayed",) if params.edge == "delay" else COUNTERS[params.edge]

        def struck() -> float:
            counts = _counts(edges, params)
            return sum(counts[counter] - before[counter] for counter in counters)

        site.wait_for(struck, params.timeout_s)
        after = _counts(edges, params)
        count = sum(after[counter] - before[counter] for counter in counters)
        if params.edge == "delay" and count > 0:
            mean = (after["delay_sum_ms"] - before["delay_sum_ms"]) / count
            return strength("edge counters", planned=params.delay_ms, measured=mean, unit="ms", chunks=count)
        detail = f"{count:g} times struck on the way from {params.source} to {params.service}"
        return Witnessed("edge counters", count > 0, {counters[0]: count}, detail)


def _counts(edges: Edges, params: EdgeFaultParams) -> dict[str, float]:
    names = ("delayed", "delay_sum_ms") if params.edge == "delay" else COUNTERS[params.edge]
    return {name: edges.counted(params.source, params.service, [name]) for name in names}
