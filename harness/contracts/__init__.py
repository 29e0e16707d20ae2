"""The contracts suite: what every service promises, checked on the live service."""
