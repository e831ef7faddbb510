"""The review app: a REST API and the Dash pages that speak to it."""
