"""Goods that come back: what was announced, what arrived, and what became of it."""
