"""Whose clinic the tests open."""

USER = "Dr. Amina Okafor"
PASSPHRASE = "four words of green"
CLINIC = "Green Valley clinic"
