-- What changes when something of a campaign is answered, decided or asked differently: who kept what follows looks here.
SELECT c.name, c.sha256,
    (SELECT max(change_id) FROM changes
     WHERE campaign = c.name AND (kind LIKE 'result.%' OR kind LIKE 'candidate.%')) AS own_change,
    (SELECT max(change_id) FROM changes
     WHERE campaign IS NULL AND (kind LIKE 'result.%' OR kind LIKE 'candidate.%')) AS change_of_none
FROM campaigns c
