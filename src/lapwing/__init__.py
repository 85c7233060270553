"""Lapwing finds online child trafficking and sexual exploitation, stops it and helps the child."""

__version__ = "0.1.0"
