-- The campaigns there are, each with the method its labels are of and who validates for it.
SELECT name, document ->> 'method' AS method, document ->> 'validator' AS validator FROM campaigns ORDER BY name
