"""When the next iteration opens: the decision, the sensor, the jobs."""
