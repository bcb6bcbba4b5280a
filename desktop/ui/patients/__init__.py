"""Finding, registering and opening patients."""
