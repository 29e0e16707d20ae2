"""The run directory and everything that writes into it."""
