"""`catalyst models`: registered versions, predictions of new structures, foundation models."""
