"""The report: what will be signed, signing it, and handing it over on paper or as a file."""
