"""Hidden states, attention maps and relations."""
