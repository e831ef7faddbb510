"""From a source's bytes to validated rows: raw cache, parsing, loading; a folder a source."""
