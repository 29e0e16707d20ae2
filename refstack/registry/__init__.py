"""The tool registry: the one gateway to tools."""
