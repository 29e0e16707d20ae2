"""A pod's status as the API shows it."""

from __future__ import annotations

from harness.cluster.manifests.documents import Json
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.runtime.state import ContainerState


def pod_status(pod: PodRuntime, now: str) -> Json:
    """phase, conditions and containerStatuses of a pod as it is now."""
    old = pod.body.get("status") or {}
    states = list(pod.states.values())
    running = bool(states) and all(s.process is not None for s in states)
    done = bool(states) and all(s.done for s in states)
    if done:
        phase = "Succeeded" if all(s.last_exit == 0 for s in states) else "Failed"
    else:
        phase = "Running" if running else "Pending"
    before = {c["type"]: c for c in old.get("conditions") or ()}

    def condition(kind: str, good: bool) -> Json:
        value = "True" if good else "False"
        earlier = before.get(kind)
        since = earlier["lastTransitionTime"] if earlier and earlier["status"] == value else now
        return {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": since}

    scheduled = condition("PodScheduled", not pod.unschedulable)
    if pod.unschedulable:
        scheduled.update(reason="Unschedulable", message=pod.unschedulable)
    status: Json = {
        "phase": phase,
        "hostIP": "127.0.0.1",
        "podIP": "127.0.0.1",
        "podIPs": [{"ip": "127.0.0.1"}],
        "startTime": old.get("startTime", now),
        "qosClass": "Burstable",
        "conditions": [
            scheduled,
            condition("Initialized", running),
            condition("ContainersReady", bool(states) and all(s.ready for s in states)),
            condition("Ready", pod.ready),
        ],
        "containerStatuses": [_container(pod, state, now) for state in states],
    }
    pod.body["status"] = status
    return status


def _container(pod: PodRuntime, state: ContainerState, now: str) -> Json:
    spec = next(c for c in pod.body["spec"]["containers"] if c["name"] == state.name)
    ended = {
        "exitCode": abs(state.last_exit) + (128 if (state.last_exit or 0) < 0 else 0)
        if state.last_exit is not None
        else 0,
        "reason": state.last_reason or "Error",
        "startedAt": state.started_at or now,
        "finishedAt": state.finished_at or now,
    }
    current: Json
    if state.done:
        current = {"terminated": ended}
    elif state.process is not None and state.process.running:
        current = {"running": {"startedAt": state.started_at}}
    else:
        current = {"waiting": {"reason": state.waiting or "ContainerCreating", "message": state.message}}
    row: Json = {
        "name": state.name,
        "image": spec.get("image", ""),
        "imageID": spec.get("image", ""),
        "ready": state.ready,
        "started": state.started,
        "restartCount": state.restarts,
        "state": current,
        "lastState": {"terminated": ended} if state.last_exit is not None and not state.done else {},
    }
    if state.process is not None and state.process.running:
        row["containerID"] = f"process://{state.process.pid}"
    return row
