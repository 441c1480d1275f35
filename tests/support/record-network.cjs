// Loaded before a program (node --require): every way to the network is written to the file $NETWORK_LOG, and fails.
// Worker threads load it too. What native code opens shows up among the process's own open sockets, where they can be seen.
const fs = require("node:fs");

const log = process.env.NETWORK_LOG;
const record = (what) => {
  fs.appendFileSync(log, `${what}\n`);
  throw new Error(`The network was used: ${what}`);
};
const block = (module, ...names) => {
  for (const name of names) module[name] = () => record(name);
};

const net = require("node:net");
block(net, "connect", "createConnection");
net.Socket.prototype.connect = () => record("Socket.connect");
net.Server.prototype.listen = () => record("Server.listen");
block(require("node:tls"), "connect");
block(require("node:dgram"), "createSocket");
const dns = require("node:dns");
block(dns, "lookup", "resolve", "resolve4", "resolve6");
block(dns.promises, "lookup", "resolve", "resolve4", "resolve6");
for (const name of ["node:http", "node:https"]) block(require(name), "request", "get");
block(require("node:http2"), "connect");
globalThis.fetch = () => record("fetch");
globalThis.WebSocket = class {
  constructor() {
    record("WebSocket");
  }
};
require("node:module").syncBuiltinESMExports();

/** Open sockets as Linux lists them; elsewhere none are seen. */
const openSockets = () => {
  try {
    const folder = "/proc/self/fd";
    return fs.readdirSync(folder).flatMap((fd) => {
      try {
        const target = fs.readlinkSync(`${folder}/${fd}`);
        return target.startsWith("socket:") ? [target] : [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
};
// Those that are open now came from the parent: standard output and error.
const before = new Set(openSockets());
process.on("exit", () => {
  for (const socket of openSockets()) if (!before.has(socket)) fs.appendFileSync(log, `open ${socket}\n`);
});
