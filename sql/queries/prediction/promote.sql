SELECT promote_prediction_version(:version)
