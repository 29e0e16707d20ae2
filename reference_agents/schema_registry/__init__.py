"""A schema registry: what Confluent's HTTP API promises, as far as producers and consumers use it."""
