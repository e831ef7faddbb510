"""The page of one material: what is known of it, what campaigns expected of it, and what became of it there."""
