"""Rates with their intervals, and checkpoints compared."""
