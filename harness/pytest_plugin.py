"""Fixtures and markers for tests that use the harness."""
