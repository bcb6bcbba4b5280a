"""What the model suggests and what the doctor decides about it."""
