"""The Feedback destination: what people say about pictures, how well they say it, and what a model learns from it."""
