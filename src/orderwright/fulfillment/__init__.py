"""Who serves what from where, and how far it has come."""
