"""What stands behind a suggestion, on demand: similar confirmed cases, what happens when a part is hidden, and what
does not fit the chart."""
