"""A target's own alert rules over the samples of a run: which would have fired, when, and when they were over.

samples ─▶ openmetrics ─▶ promtool: blocks ─▶ prometheus on loopback ─▶ each rule's expression over the run ─▶ firing
"""
