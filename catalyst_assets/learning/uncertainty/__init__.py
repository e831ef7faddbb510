"""What a prediction says of itself: its distribution, its calibration, its distance, and the figures of them."""
