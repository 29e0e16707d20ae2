"""Fences are not compared: a worker that lost its lease goes on, and its result overwrites the other's."""

from __future__ import annotations

from reference_agents.api.deps import Parts
from reference_agents.tasks.store import CHECKPOINT, FINISH, RENEW, TaskStore

_CHECKS = (
    "if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end",
    "if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'stale' end",
    "if row[1] ~= ARGV[1] or row[2] ~= 'running' then return 0 end",
)


def _unchecked(script: str) -> str:
    (check,) = (check for check in _CHECKS if check in script)
    return script.replace(check, "")


def apply(parts: Parts) -> Parts:
    """Replace the store's scripts."""
    healthy = parts.store
    store = TaskStore(healthy.redis, healthy.agent, healthy.clock, lease_s=healthy.lease_s)
    store.renew_script = store.redis.register_script(_unchecked(RENEW))
    store.checkpoint_script = store.redis.register_script(_unchecked(CHECKPOINT))
    store.finish_script = store.redis.register_script(_unchecked(FINISH))
    return parts.with_store(store)
