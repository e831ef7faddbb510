"""What a property follows: other properties, and cheaper answers."""
