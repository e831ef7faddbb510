"""Fitted models as things: kept, registered, compared, fine-tuned."""
