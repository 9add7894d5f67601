"""Many orders, several workers and every kind of fault, by the number of a seed."""
