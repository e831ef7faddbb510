"""What is only there for an object store on S3: how its clients ask, who is told its credentials, logs of steps in it."""
