"""The HTTP face of an agent."""
