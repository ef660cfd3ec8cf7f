"""Whether the server of these settings is ready: the health check of the image.

It asks by the settings of the server, which are this process's own: where the port is, and TLS.
"""

import http.client
import ssl
import sys

from otel_threads.core.config import Config, endpoint, load

TIMEOUT_S = 2.0


def ask(config: Config) -> int:
    """Return the status of the answer to `GET /readyz`.

    Raises:
        OSError, HTTPException: there is no answer.
    """
    host, port = endpoint(config.http_endpoint, setting="http_endpoint")
    connection = (
        http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=_tls(config))
        if config.tls_cert_file
        else http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    )
    connection.request("GET", "/readyz")
    return connection.getresponse().status


def _tls(config: Config) -> ssl.SSLContext:
    """Return TLS without a look at the certificate: it is our own, for a name and no address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if config.tls_client_ca_file and config.tls_cert_file:  # then this client needs one, too
        context.load_cert_chain(config.tls_cert_file, config.tls_key_file)
    return context


def main() -> None:
    """Exit with 0 when the server is ready; else say what is wrong, with 1."""
    try:
        status = ask(load().config)
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"no answer: {error}")
    if status != 200:
        sys.exit(f"/readyz answers {status}")


if __name__ == "__main__":
    main()
