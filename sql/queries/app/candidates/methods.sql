-- The method by which each campaign's values are obtained.
SELECT name, document ->> 'method' AS method FROM campaigns
