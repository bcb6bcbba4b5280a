"""How a film drawn by this program is told from a patient's. Nothing else is imported here, so every reader may ask."""

MAKER = "Lantern synthetic films"
"""Manufacturer (0008,0070)."""

COMMENT = "SYNTHETIC, not a patient"
"""ImageComments (0020,4000)."""

BURNED_IN = "SYNTHETIC 合成"
"""The words in the pixels."""
