"""Rows on disk and as a DataFrame."""
