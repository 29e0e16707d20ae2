"""Promises of tool definitions and of the registry that guards them."""
