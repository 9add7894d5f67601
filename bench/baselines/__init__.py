"""The same duties done otherwise: written as well as we can, and checked to end where ours ends."""
