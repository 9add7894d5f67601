"""Use cases, each a typed generator of requests."""
