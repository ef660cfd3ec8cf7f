"""HTTP/1.1 with limits: connections, requests and responses of both HTTP ports; who may call."""
