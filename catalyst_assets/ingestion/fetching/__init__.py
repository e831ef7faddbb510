"""How outside sources are asked: patience over HTTP, large downloads, what is tried again."""
