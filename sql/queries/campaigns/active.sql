SELECT name FROM campaigns WHERE status = 'active' ORDER BY created_at, name
