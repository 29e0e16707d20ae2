"""What a service promises over gRPC."""
