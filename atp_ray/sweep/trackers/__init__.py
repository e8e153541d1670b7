"""Experiment trackers of sweeps: one run per sweep at W&B or MLflow, through their own libraries."""
