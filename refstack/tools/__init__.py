"""Tools as services, each with a ledger of what it really did."""
