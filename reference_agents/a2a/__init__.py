"""The orchestrator as an A2A v1 agent: the same tasks under the protocol's words."""
