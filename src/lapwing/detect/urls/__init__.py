"""Detectors of the urls family."""
