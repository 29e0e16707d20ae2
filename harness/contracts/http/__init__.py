"""Promises of an HTTP service, one file a promise."""
