"""Measure the Alignment Tipping Process (arXiv 2510.04860) in populations of LLM agents."""

__version__ = "0.4.0"
