"""The commands as functions: put the parts together, run them in order, leave a run directory behind.

The entry points above (`harness.cli`, `harness.pytest_plugin`) only parse, call, print and exit.
"""
