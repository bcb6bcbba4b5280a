"""What can be chosen: for this PC, for the clinic, and what Lantern says about itself."""
