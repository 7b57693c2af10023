"""What comes in: bodies, archives, names, limits."""
