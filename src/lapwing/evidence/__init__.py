"""Evidence: the ledger (a Merkle tree an organisation) and the vault (sealed content)."""
