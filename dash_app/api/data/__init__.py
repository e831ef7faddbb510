"""What the API tells of where materials come from: sources and their files, and what was set aside of them."""
