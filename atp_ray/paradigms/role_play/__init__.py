"""Role-play (paper section 3.1.1)."""
