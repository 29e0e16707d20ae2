"""The orchestrator: a plan that is a DAG of agents' tasks, run in waves."""
