"""Estimates -> what people read: Markdown, figures, the README's tables."""
