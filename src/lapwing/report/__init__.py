"""Documents for authorities, and their filing, never twice. A machine drafts; a member files."""
