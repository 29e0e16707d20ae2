"""The token service: short-lived RS256 JWTs by client credentials, and the keys to check them."""
