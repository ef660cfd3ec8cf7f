"""The query API over gRPC: messages and stubs, generated from proto/ by `make proto`."""
