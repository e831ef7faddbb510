"""The pages. Each lays itself out without data and fills itself through the API; none knows the database."""
