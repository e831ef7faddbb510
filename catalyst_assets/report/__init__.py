"""What a campaign found and how well it learned, as a picture and a page for people."""
