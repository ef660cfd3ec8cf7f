"""deepeval: its metrics as scorers."""
