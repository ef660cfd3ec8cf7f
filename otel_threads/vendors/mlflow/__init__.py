"""mlflow: its metrics as scorers."""
