"""Which properties and methods campaigns, tables and predictions may name: those shipped, and a deployment's own."""
