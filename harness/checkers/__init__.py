"""One file a checker: pure functions from the events of a run to findings."""
