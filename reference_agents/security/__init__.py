"""What every service does to know its callers and to be known: the guard, the verifier, the token client."""
