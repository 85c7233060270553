"""The demo: neutral, seeded material with known truth, sent through the same doors as real data."""
