"""Judging conversations: a model's judge, Python code in a sandbox, scorers, offline evaluation."""
