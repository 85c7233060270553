"""The frozen nouns. No input or output, no clock, no randomness; everything imports from here."""
