"""Alignment training: what a checkpoint is taught with, and how."""
