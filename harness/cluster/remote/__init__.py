"""A real cluster, by the context of a kubeconfig: reached through kubectl, which knows every way to log in."""
