"""What a service promises that takes its work from a Kafka topic."""
