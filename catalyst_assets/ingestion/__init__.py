"""From a source's bytes to validated rows: raw cache, parsing, loading, one module a source."""
