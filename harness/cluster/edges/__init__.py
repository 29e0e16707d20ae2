"""Edges: every connection from one pod to a service goes through a proxy port of its own."""
