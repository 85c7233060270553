"""NCMEC's CyberTipline: its documents, their checks, drafting from a case, and the wire."""
