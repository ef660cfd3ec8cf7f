"""What agents can ask: the tools of MCP over the same services as REST.

`content.py` is how stored text is shown, `answers.py` the shapes of answers, `arguments.py` what
tools take; the other files hold the tools. Only `server.py` and `endpoint.py` know the protocol,
and the package `mcp` is imported when somebody first asks.
"""
