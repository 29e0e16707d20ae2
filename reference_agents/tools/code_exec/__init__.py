"""code_exec: runs a program where it can do no harm."""
