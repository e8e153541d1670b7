"""Tool usage (paper section 3.1.2)."""
