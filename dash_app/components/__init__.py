"""Pieces of pages: plain functions from what the API answered to Dash components."""
