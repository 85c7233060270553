"""The store: PostgreSQL (embedded or a server), migrations, jobs, blobs. No business rules."""
