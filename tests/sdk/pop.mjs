// Calls operations with pop-core: one JSON request per line in, one JSON answer per line out.
// POP_CORE_HOME is the folder that holds node_modules.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.env.POP_CORE_HOME}/`);
const RPCClient = require("@alicloud/pop-core");

const clients = new Map();
function client(version, secret) {
  const name = `${version} ${secret}`;
  if (!clients.has(name)) {
    clients.set(
      name,
      new RPCClient({
        accessKeyId: process.env.REPRISE_KEY_ID,
        accessKeySecret: secret,
        endpoint: `http://${process.env.REPRISE_ENDPOINT}`,
        apiVersion: version,
      }),
    );
  }
  return clients.get(name);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { version, action, params, method, secret } = JSON.parse(line);
  let answer;
  try {
    const chosen = client(version, secret ?? process.env.REPRISE_KEY_SECRET);
    answer = { ok: await chosen.request(action, params, { method, timeout: 10_000 }) };
  } catch (error) {
    answer = { code: error.code ?? "?", message: error.message, status: error.entry?.response?.statusCode ?? 0 };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
