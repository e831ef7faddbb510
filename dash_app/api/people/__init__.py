"""Who comes in, what they may do, and the session that a browser keeps."""
