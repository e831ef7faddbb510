"""Discovery goals: one YAML a campaign, and the model that validates it."""
