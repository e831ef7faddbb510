"""Networks that others trained: which there are, how their files come here, and how they become ours."""
