"""What learns a property from features: process, trees, networks, and how properties are put together."""
