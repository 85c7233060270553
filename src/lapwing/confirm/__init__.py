"""The second person: one member proposes what leaves the organisation, another confirms it."""
