"""Placement: the order, what it consists of, what can happen to it, and what follows."""
