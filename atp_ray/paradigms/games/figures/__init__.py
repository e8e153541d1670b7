"""The figures of the games."""
