"""What every service shares: clock, logs, metrics, problem details, trace context."""
