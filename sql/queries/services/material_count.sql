SELECT count(*) AS materials FROM materials WHERE NOT deprecated;
