"""The shop: settings and addresses."""
