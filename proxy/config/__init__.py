"""The configuration: the model, and the way from YAML or the environment to it."""
