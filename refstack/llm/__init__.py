"""The LLM client: protocols, breaker, retries, cascade."""
