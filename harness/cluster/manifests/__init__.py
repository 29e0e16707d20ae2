"""Kubernetes manifests, read from YAML files, folders and kustomizations."""
