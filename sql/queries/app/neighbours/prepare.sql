-- Until the end of the transaction the index is read on where those it gave first do not pass the filters.
SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '100', true);
