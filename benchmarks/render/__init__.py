"""Estimates -> what people read: markdown, figures, the README's tables."""
