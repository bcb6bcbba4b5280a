"""Small widgets every screen shares; they know nothing of patients."""
