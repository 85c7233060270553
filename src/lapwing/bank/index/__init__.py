"""Pure indexes over arrays: no database, no clock, no files."""
