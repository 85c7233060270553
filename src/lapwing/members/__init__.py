"""Organisations, their members and machines: who is here, how they sign in, what a key may do."""
