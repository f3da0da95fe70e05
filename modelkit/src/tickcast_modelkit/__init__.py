"""What a Tickcast model is: bars, features, intervals and the model package. Needs numpy alone."""
