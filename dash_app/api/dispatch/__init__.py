"""What the API hands on to others: the loop carries out requests about campaigns, Dagster runs jobs."""
