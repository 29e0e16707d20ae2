"""Enough of the Kubernetes API, on loopback, that unmodified clients work."""
