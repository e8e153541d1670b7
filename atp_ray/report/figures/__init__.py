"""Figures, and the style all of them share."""
