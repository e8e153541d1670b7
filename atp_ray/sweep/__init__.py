"""The command `sweep`: play a grid of settings and report the results."""
