"""Detectors of the media family."""
