"""Items in, findings out. Pure: no sockets, no files, no clock, no database, no verdicts."""
