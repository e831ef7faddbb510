-- When something of a campaign was answered or decided last is found without reading what others were told.
CREATE INDEX changes_campaign ON changes (campaign, change_id) WHERE kind LIKE 'result.%' OR kind LIKE 'candidate.%';
