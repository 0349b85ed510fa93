"""DataFrame of rows -> estimates with intervals and verdicts. Knows no framework."""
