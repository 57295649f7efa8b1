"""Privacy: what is forgotten, what must be kept, and who stands behind an id."""
