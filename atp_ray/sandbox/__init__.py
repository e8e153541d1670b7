"""A sandbox for Python that models write: no network, no files, no other process, bounded in every direction."""
