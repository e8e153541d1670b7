"""Run folders: the event log (the only source of truth), the Arrow schema, Parquet in and out."""
