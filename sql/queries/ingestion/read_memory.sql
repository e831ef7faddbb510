-- What a source remembers of its last refresh.
-- Parameters: source.
SELECT memory FROM source_memory WHERE source = :source;
