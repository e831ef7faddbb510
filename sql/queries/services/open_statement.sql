-- Parameters: statement, name.
SELECT CAST(reading.open_statement(:statement, :name) AS text)
