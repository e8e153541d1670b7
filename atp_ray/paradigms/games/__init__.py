"""Coordination games (paper section 3.2)."""
