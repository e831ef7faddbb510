-- Ranks are unique, so a new order needs the old places free first.
UPDATE candidates SET rank = rank + 1000000000 WHERE partition_key = :partition_key
