"""`python -m otel_threads` is the same program as `otel-threads`."""

from otel_threads.cli import main

if __name__ == "__main__":
    main()
