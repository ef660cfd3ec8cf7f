"""Opik's REST calls, as its SDKs make them."""
