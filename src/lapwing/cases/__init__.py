"""People's work: what the policy sent to a person, gathered by subject, claimed, judged, closed."""
