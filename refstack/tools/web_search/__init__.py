"""Full-text search over a small corpus."""
