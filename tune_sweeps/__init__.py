"""Ray Tune sweeps over grids of settings."""
