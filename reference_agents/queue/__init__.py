"""Tasks over Kafka: events with schemas, an outbox, consumers that lose nothing and stumble over nothing."""
