-- Whether any result was corrected or retracted: mostly none was, and what follows from it need not be looked for.
SELECT EXISTS (SELECT FROM validation_results WHERE supersedes IS NOT NULL) AS any_is
