"""Run trials, each in a fresh process that gives one row. Nothing here imports pandas."""
