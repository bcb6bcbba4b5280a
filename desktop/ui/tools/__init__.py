"""The Tools destination: what a doctor works out beside the films, one card each."""
