-- Answers when the database does, as the role that asks.
SELECT current_user AS role, current_setting('server_version') AS server_version;
