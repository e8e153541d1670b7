"""Scenarios: the situations agents are put in, as data."""
