"""Numbers of elements and sites: what a chemist would look at, without a network."""
