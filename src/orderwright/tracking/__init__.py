"""Seeing where an order is. Reads orders and events; nothing depends on it."""
