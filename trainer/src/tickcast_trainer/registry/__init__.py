"""An MLflow tracking server beside the folder: each trained model is a run and a version there."""
