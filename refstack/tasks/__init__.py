"""Durable tasks in Redis: queue, leases with fencing tokens, checkpoints."""
