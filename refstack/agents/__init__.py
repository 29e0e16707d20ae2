"""One folder per agent: its prompts and its tools."""
