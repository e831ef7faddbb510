"""The sub-commands of `catalyst`, one module a topic."""
