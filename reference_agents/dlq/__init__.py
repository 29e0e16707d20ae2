"""Dead letters: kept for review, reported when they are new, sent again when somebody says so."""
