"""The items, one file an area; importing them registers them in the order of the checklist."""
