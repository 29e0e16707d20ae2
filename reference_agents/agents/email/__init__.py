"""The email agent."""
