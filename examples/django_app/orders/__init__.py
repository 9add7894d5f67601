"""Orders and stock, kept by the ORM."""
