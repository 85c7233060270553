"""Programs that run without Lapwing, for people who have no reason to trust it."""
