"""The production-readiness checklist: 33 items, each decided by evidence."""
