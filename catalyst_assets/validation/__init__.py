"""From candidates to measured values, and from those to labels."""
