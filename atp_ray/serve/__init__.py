"""The command `serve`: live simulations and checkpoints over HTTP."""
