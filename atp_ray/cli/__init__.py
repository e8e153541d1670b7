"""The command line: options as models, one line for an error, progress."""
