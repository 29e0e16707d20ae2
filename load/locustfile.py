"""The load profile as a locustfile: what `windtunnel load` runs, and what plain Locust can run too.

WINDTUNNEL_LOAD_JOB=reports/<run>/load/job.json locust -f load/locustfile.py --headless -u 1
"""

from harness.load.generator import user_class

Windtunnel = user_class()
