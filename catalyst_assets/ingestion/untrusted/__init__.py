"""Files of others that could harm whoever reads them: archives and pickles."""
