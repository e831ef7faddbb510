"""Notices: what a person should know and may not see by themselves."""
