"""From labels and features to a calibrated model."""
