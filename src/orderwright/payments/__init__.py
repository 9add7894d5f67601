"""Money in motion: tenders, and the operations their amounts are folded from."""
