"""DataFrame of rows -> estimates with intervals and verdicts. Imports no framework."""
