"""Measurements as commands (`lapwing bench …`), never timed tests. Nothing imports this room."""
