"""Fixtures for tests that talk to the mock LLM."""
