"""How far a campaign is: what was evaluated, what was found, and what random choice would have found."""
