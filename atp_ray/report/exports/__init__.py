"""A run in the formats of other tools: each module has `write(run_dir, out) -> list[Path]`."""
