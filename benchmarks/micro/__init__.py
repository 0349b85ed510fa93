"""The quick look: one training step and one prediction under pytest-benchmark."""
