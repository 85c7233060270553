"""Hash-list files of law enforcement, row by row: VICS (JSON) and ICSE (CSV)."""
