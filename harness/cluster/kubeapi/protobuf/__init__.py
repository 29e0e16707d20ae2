"""Reading what Go clients send: Kubernetes objects as protobuf."""
