"""The scenarios suite: what an agent must do, step by step, also when things fail."""
