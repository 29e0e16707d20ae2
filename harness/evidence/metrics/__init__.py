"""What the services say of themselves: their Prometheus metrics, read pod by pod, followed, and summed up."""
