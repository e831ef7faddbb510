"""How many evaluations a campaign needs to find every hit of a pool whose answers are known."""
