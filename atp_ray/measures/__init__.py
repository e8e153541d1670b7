"""Rates, their intervals, and tipping."""
