"""Stock: a double-entry ledger whose sums are the balances."""
