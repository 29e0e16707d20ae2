"""What models cost: prices, accounts, the cap of a session, and the till that every model call passes."""
