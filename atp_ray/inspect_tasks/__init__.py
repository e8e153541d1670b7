"""Inspect (inspect_ai): tasks that play our scenarios with any provider it knows, and what its logs are made of."""
