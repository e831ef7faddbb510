-- Held for as long as the connection lives: one run follows a calculation.
SELECT pg_try_advisory_lock(hashtextextended('validation_jobs:' || :job_id, 0)) AS alone
