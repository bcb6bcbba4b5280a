"""One module per model of the shelf."""
