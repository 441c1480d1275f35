// nishiki serve: the application, in the browser and for other programs.
import { delimiter } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { expandHome } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import type { RunningServer, ServeOptions } from "../../server/node.js";
import { openBrowser } from "../open-browser.js";
import { findRunning, forgetLink, keepLink } from "../running-server.js";
import { listenForStop } from "../stop.js";
import { print } from "../terminal.js";

interface Options {
  readonly port?: number;
  readonly host: string;
  readonly folder?: string;
  readonly models?: readonly string[];
  readonly token?: string;
  readonly open: boolean;
  readonly draw: boolean;
  readonly cors?: readonly string[];
  readonly allowedHost?: readonly string[];
  readonly log?: boolean;
}

const defaultPort = 7860;
/** Ports tried after the default one, before the system chooses. */
const morePorts = 20;

const examples = `
Examples:
  nishiki serve
  nishiki serve --models ~/checkpoints --port 8000
  nishiki serve --host 0.0.0.0            for other machines; prints a link with a token
`;

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("start the application: a page in the browser, and APIs for other programs")
    .option("-p, --port <number>", `port (default: ${defaultPort}, or the next free one)`, readPort)
    .option("--host <address>", "address to listen on; beyond 127.0.0.1 a token is needed", "127.0.0.1")
    .option("--folder <path>", "folder for images and jobs (default: Nishiki in your pictures folder)")
    .option("--models <folders...>", "folders of models, LoRAs and embeddings (default: $NISHIKI_MODELS)")
    .option("--token <text>", "token that clients must send (default: $NISHIKI_TOKEN)")
    .option("--no-open", "do not open the browser")
    .option("--no-draw", "leave drawing to workers (nishiki worker)")
    .option("--cors <origins...>", "origins of other pages that may use the APIs")
    .option("--allowed-host <names...>", "further names of this server, such as that of a proxy")
    .option("--log", "print a line for each request")
    .addHelpText("after", examples)
    .action(serve);
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a number from 0 to 65535.");
}

const say = (text: string) => void process.stderr.write(`${text}\n`);

/** Loaded here alone: other commands need no server. */
const loadServer = () => import("../../server/node.js");

async function serve(options: Options): Promise<void> {
  const { findDefaultFolder } = await loadServer();
  const folder = options.folder === undefined ? await findDefaultFolder() : expandHome(options.folder);
  const listen = await chooseAddress(options);
  const stop = listenForStop();
  try {
    await run(folder, listen, options, stop.signal);
  } catch (error) {
    const link = isPlain(options) ? await findRunning(folder, error) : undefined;
    if (link === undefined) throw error;
    await print(`${link}\n`);
    say(`Nishiki is running already in ${folder}.`);
    if (options.open) openBrowser(link);
  } finally {
    stop.release();
  }
}

/** Whether whoever starts it only wants the application, and not another way of serving it. */
const isPlain = ({ port, host, token, models, cors, allowedHost }: Options) =>
  [port, token, models, cors, allowedHost].every((option) => option === undefined) && host === "127.0.0.1";

async function run(
  folder: string,
  listen: ServeOptions,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const { createApplication, serveHttp } = await loadServer();
  const models = options.models ?? process.env.NISHIKI_MODELS?.split(delimiter).filter(Boolean);
  const lost = new AbortController();
  if (process.stderr.isTTY) say("Starting …");
  const application = await createApplication({
    folder,
    ...(models && { models: models.map(expandHome) }),
    draws: options.draw,
    onTrouble: say,
    onLost: () => {
      say(`Another server has taken over ${folder}.`);
      lost.abort();
    },
  });
  try {
    const server = await serveHttp(application, listen);
    await application.announce(server.url);
    await keepLink(folder, server.link);
    await print(`${server.link}\n`);
    say(`Nishiki is running; its images are in ${folder}. Ctrl-C stops it.`);
    if (isEverywhere(options.host)) say(`On this machine: ${getLocalLink(server)}`);
    if (options.open) openBrowser(server.link);
    await stopped(AbortSignal.any([signal, lost.signal]));
    say("Stopping; jobs that are not finished go on after the next start.");
    // Together: requests that wait for an image are answered when the application closes.
    await Promise.all([server.close(), application.close()]);
    if (!lost.signal.aborted) await forgetLink(folder);
  } finally {
    await application.close();
  }
}

const isEverywhere = (host: string) => /^(0\.0\.0\.0|::|\[::\])$/.test(host);

/** The link for this machine itself: it needs no name in the network. */
const getLocalLink = ({ link, port }: RunningServer) =>
  link.replace(/^http:\/\/[^/]+/, `http://127.0.0.1:${port}`);

const stopped = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

/**
 * Where to listen: on the port that was asked for, or on the first free one if none was. Checked before anything is opened.
 * @throws NishikiError "usage"
 */
async function chooseAddress(options: Options): Promise<ServeOptions> {
  const { checkAddress, checkToken, isLoopback, makeToken } = await loadServer();
  const { host, cors, allowedHost, log } = options;
  const token = options.token ?? (process.env.NISHIKI_TOKEN || undefined);
  if (token !== undefined) checkToken(token);
  const needed = token ?? (isLoopback(host) ? undefined : makeToken());
  const find = async (): Promise<number> => {
    for (let port = defaultPort; port <= defaultPort + morePorts; port++) {
      try {
        await checkAddress(host, port);
        return port;
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
    }
    return 0; // The system chooses.
  };
  const port = options.port ?? (await find());
  if (options.port !== undefined) await checkAddress(host, port);
  return {
    host,
    port,
    ...(needed !== undefined && { token: needed }),
    ...(cors && { cors }),
    ...(allowedHost && { allowedHosts: allowedHost }),
    onTrouble: say,
    ...(log && { log: say }),
  };
}

/** Whether a port is in use, or kept by the system. */
function isTaken(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return error instanceof NishikiError && (code === "EADDRINUSE" || code === "EACCES");
}
