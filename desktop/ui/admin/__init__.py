"""Looking after the clinic: is everything there and unchanged, and who did what."""
