"""Pods as processes: what a kubelet does, without containers."""
