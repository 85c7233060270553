"""What strangers' bytes are handed to. Each module has `SEEDS` and `one(data)`."""
