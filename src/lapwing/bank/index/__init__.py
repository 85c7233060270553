"""Pure indexes over arrays and memory-mapped files: no database, no clock, no network."""
