-- While it is not resting, nothing needs to be written again.
INSERT INTO campaign_looks AS known (campaign, rests, look_at)
VALUES (:campaign, :rests, now() + CAST(:for_seconds AS double precision) * interval '1 second')
ON CONFLICT (campaign) DO UPDATE SET rests = excluded.rests, looked_at = now(), look_at = excluded.look_at
WHERE known.rests OR excluded.rests
