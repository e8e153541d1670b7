"""Conventions: naming games, in which a population agrees on a name or is talked out of it by a committed minority."""
