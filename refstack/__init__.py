"""A complete agent stack, built as it should be, and small enough to read."""
