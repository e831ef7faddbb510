"""From predictions to the ranked batch most worth validating."""
