"""openevals: its metrics as scorers."""
