"""A run's results as tables for a terminal, one module per paradigm, the paper's published values beside them."""
