"""A run as one self-contained HTML page: its parts as plain data, and the template that lays them out."""
