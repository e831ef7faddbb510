UPDATE campaigns SET tried_under = :tried_under WHERE name = :name
