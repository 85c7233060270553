"""Pictures: bounded decoding, PDQ and cryptographic hashes."""
