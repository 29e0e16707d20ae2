"""Load: an open-loop schedule on the target, inside Locust, judged by SLOs."""
