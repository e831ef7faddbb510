"""What stands before every operation of the API: how many work at once, what is asked of them, what they answer with."""
