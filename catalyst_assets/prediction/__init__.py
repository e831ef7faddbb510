"""From a model to a mean, a standard deviation and joint draws for every candidate."""
