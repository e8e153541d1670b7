"""Figures a paper could print, drawn from the `cells` dataset alone."""
