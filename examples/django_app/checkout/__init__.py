"""The shop's own application: baskets, and the views that turn them into orders."""
