"""The command `tipping_demo`: the paper's question answered for the small checkpoint."""
