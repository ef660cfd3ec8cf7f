"""Brings exports of other products in: files, batches, where an import stopped."""
