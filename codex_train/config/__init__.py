"""What a training run is told: one frozen dataclass a noun, read from YAML and overrides, and digested."""
