"""Spans: taken in over OTLP, asked for by their trace."""
