"""The local cluster: Kubernetes manifests as processes on loopback, behind a Kubernetes API."""
