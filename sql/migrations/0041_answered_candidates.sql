-- What a campaign evaluated is found without reading what nobody answered.
CREATE INDEX candidates_answered ON candidates (partition_key) WHERE status = 'validated' OR rejection_kind = 'poor';
