"""Tests that drive an installed Chromium against a served house."""
