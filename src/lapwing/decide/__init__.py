"""Findings in, a ruling out. Pure: it cannot act, report, reach a network or read a clock."""
