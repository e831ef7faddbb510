"""`catalyst campaign`: looking at campaigns, starting and ending them."""
