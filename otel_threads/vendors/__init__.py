"""Other products' doors: what their SDKs send and ask, over our intake and services."""
