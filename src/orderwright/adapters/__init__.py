"""Adapters: what does the work outside. The core imports none of them."""
