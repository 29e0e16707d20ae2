"""What changed between two versions of a contract, and a payload that shows each break."""
