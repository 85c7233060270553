"""Bytes and files to items: bounded, streaming, and every refusal named."""
