// The official MCP client of Node asks a server over HTTP and over stdin and stdout; prints JSON.
// Arguments: the URL of /mcp, then the command of the server on stdin and stdout, a word each.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, command, ...args] = process.argv.slice(2);

async function asked(transport) {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const call = async (name, given) => {
    const { isError = false, structuredContent } = await client.callTool({ name, arguments: given });
    return { isError, found: structuredContent };
  };
  const answer = {
    server: client.getServerVersion().name,
    tools: tools.map(({ name, annotations }) => ({ name, readOnly: annotations?.readOnlyHint })),
    threads: await call("find_threads", { project: "node" }),
    missing: await call("get_thread", { project: "node", thread_id: "nosuch" }),
  };
  await client.close();
  return answer;
}

const http = await asked(new StreamableHTTPClientTransport(new URL(url)));
const stdio = await asked(new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" }));
console.log(JSON.stringify({ http, stdio }));
