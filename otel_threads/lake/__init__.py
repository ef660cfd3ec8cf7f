"""The lake that joins many nodes: what each has committed is shipped there, and read from there.

Loaded only where `lake_catalog` is set. docs/lake.md says what people see of it.
"""
