"""LangSmith's calls, as its SDKs make them."""
