"""One trial in one fresh process gives one row. Nothing here imports pandas."""
