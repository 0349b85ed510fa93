"""What will be run: workloads, suites, presets and the trials that follow from them."""
