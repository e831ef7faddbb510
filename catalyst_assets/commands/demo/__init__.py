"""`catalyst demo`: the whole loop in one command, on shipped values, by real calculations, or up to a person's review."""
