"""What runs in other people's programs. Imports neither DuckDB nor gRPC nor a web framework."""
