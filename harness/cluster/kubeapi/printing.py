"""How kubectl writes ages, ports, selectors and the state of a pod."""

from __future__ import annotations

from datetime import datetime

from harness.cluster.manifests.documents import Json

NONE = "<none>"


def age(body: Json, now: datetime) -> str:
    """How long ago the object was made, as kubectl writes it: 12s, 3m5s, 2h3m."""
    return since(body["metadata"].get("creationTimestamp"), now)


def since(stamp: str | None, now: datetime) -> str:
    """How long ago `stamp` was."""
    if not stamp:
        return "<unknown>"
    seconds = (now - datetime.fromisoformat(stamp.replace("Z", "+00:00"))).total_seconds()
    return duration(max(0, int(seconds)))


def duration(seconds: int) -> str:
    """A duration in at most two units, as kubectl writes it."""
    if seconds < 120:
        return f"{seconds}s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 10:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    hours, left = divmod(minutes, 60)
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{left}m" if left else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"


def labels(of: Json | None) -> str:
    """A map of labels, or a LabelSelector, as text."""
    of = of or {}
    if "matchLabels" not in of and "matchExpressions" not in of:
        return ",".join(f"{key}={value}" for key, value in sorted(of.items())) or NONE
    parts = [f"{key}={value}" for key, value in sorted((of.get("matchLabels") or {}).items())]
    for row in of.get("matchExpressions") or ():
        values = f" ({','.join(row.get('values') or ())})"
        word = {"In": " in", "NotIn": " notin"}.get(row["operator"])
        parts.append(row["key"] + word + values if word else ("!" if "Not" in row["operator"] else "") + row["key"])
    return ",".join(parts) or NONE


def containers(body: Json) -> list[Json]:
    """The containers of a pod, or of an object's template."""
    spec = body["spec"]
    if "jobTemplate" in spec:
        spec = spec["jobTemplate"]["spec"]
    if "template" in spec:
        spec = spec["template"]["spec"]
    return list(spec.get("containers") or ())


def names(body: Json) -> str:
    """The names of the containers."""
    return ",".join(container["name"] for container in containers(body))


def images(body: Json) -> str:
    """The images of the containers."""
    return ",".join(container["image"] for container in containers(body))


def pod_word(body: Json) -> str:
    """A pod's STATUS."""
    status = body.get("status") or {}
    word = str(status.get("reason") or status.get("phase") or "Pending")
    for row in status.get("initContainerStatuses") or ():
        state = row["state"]
        if "waiting" in state and state["waiting"]["reason"] != "PodInitializing":
            word = f"Init:{state['waiting']['reason']}"
        elif "running" in state:
            done = sum("terminated" in other["state"] for other in status["initContainerStatuses"])
            word = f"Init:{done}/{len(status['initContainerStatuses'])}"
    for row in reversed(status.get("containerStatuses") or ()):
        waiting, ended = row["state"].get("waiting"), row["state"].get("terminated")
        if waiting and (waiting["reason"] != "PodInitializing" or not word.startswith("Init:")):
            word = waiting["reason"]
        elif ended:
            word = ended["reason"]
    return "Terminating" if body["metadata"].get("deletionTimestamp") else word


def restarts(body: Json, now: datetime) -> str:
    """How often a pod's containers were started again, and when last."""
    rows = (body.get("status") or {}).get("containerStatuses") or ()
    count = sum(row["restartCount"] for row in rows)
    ends = [(row.get("lastState") or {}).get("terminated", {}).get("finishedAt") for row in rows]
    last = max((end for end in ends if end), default=None)
    return f"{count} ({since(last, now)} ago)" if count and last else str(count)


def service_ports(body: Json) -> str:
    """A service's ports."""
    rows = body["spec"].get("ports") or ()
    return ",".join(f"{row['port']}/{row.get('protocol', 'TCP')}" for row in rows) or NONE


def endpoints(body: Json) -> str:
    """Where Endpoints lead: the first three, and how many more."""
    rows = [
        f"{address['ip']}:{port['port']}"
        for subset in body.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    more = f" + {len(rows) - 3} more..." if len(rows) > 3 else ""
    return ",".join(rows[:3]) + more if rows else NONE


def hpa_targets(body: Json) -> str:
    """What an HPA measures, and what it wants."""
    current = (body.get("status") or {}).get("currentMetrics") or []
    parts = []
    for index, metric in enumerate(body["spec"].get("metrics") or ()):
        kind = metric["type"][0].lower() + metric["type"][1:]
        target = metric[kind].get("target") or {}
        seen = (current[index].get(kind) or {}).get("current") if index < len(current) else None
        name = f"{metric[kind]['name']}: " if kind in ("resource", "containerResource") else ""
        if "averageUtilization" in target:
            value = (seen or {}).get("averageUtilization", "<unknown>")
            parts.append(f"{name}{value}{'%' if isinstance(value, int) else ''}/{target['averageUtilization']}%")
        else:
            field = "averageValue" if "averageValue" in target else "value"
            average = " (avg)" if field == "averageValue" else ""
            parts.append(f"{name}{(seen or {}).get(field, '<unknown>')}/{target.get(field)}{average}")
    return ", ".join(parts) or NONE
