// nishiki serve: the application, in the browser and for other programs.
import { stat } from "node:fs/promises";
import { delimiter, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { expandHome, fileError } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { resolveModel } from "../../hub/index.js";
import type { NamedModel, RunningServer, ServeOptions } from "../../server/node.js";
import { openBrowser } from "../open-browser.js";
import { findRunning, forgetLink, keepLink } from "../running-server.js";
import { listenForStop } from "../stop.js";
import { print } from "../terminal.js";

interface Options {
  readonly port?: number;
  readonly host: string;
  readonly folder?: string;
  readonly models?: readonly string[];
  readonly model?: readonly NamedModel[];
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
  nishiki serve --model photo=stabilityai/sd-turbo --model anime=~/checkpoints/anime.safetensors
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
    .option(
      "--model <name=path>",
      "a model under a short name: its file, its folder or its name in the hub's cache; may be repeated",
      readNamedModel,
    )
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

/** "anime=~/models/anime.safetensors" */
function readNamedModel(text: string, before: readonly NamedModel[] = []): readonly NamedModel[] {
  const [, name = "", path = ""] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._+()[\]-]{0,159}$/u.test(name))
    throw new InvalidArgumentError("Expected a name and a model, such as anime=models/anime.safetensors.");
  if (name === "embedded" || before.some((one) => one.name === name))
    throw new InvalidArgumentError(`The name "${name}" is taken; choose another one.`);
  return [...before, { name, path }];
}

/** @throws NishikiError "file" for a model that is not there */
const findNamedModels = (named: readonly NamedModel[]): Promise<NamedModel[]> =>
  Promise.all(
    named.map(async ({ name, path: given }) => {
      const path = resolve(await resolveModel(expandHome(given)));
      await stat(path).catch((error: unknown) => {
        throw fileError(error, `read the model ${name}, ${path}`);
      });
      return { name, path };
    }),
  );

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
const isPlain = ({ port, host, token, models, model, cors, allowedHost }: Options) =>
  [port, token, models, model, cors, allowedHost].every((option) => option === undefined) &&
  host === "127.0.0.1";

async function run(
  folder: string,
  listen: ServeOptions,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const { createApplication, serveHttp } = await loadServer();
  const models = options.models ?? process.env.NISHIKI_MODELS?.split(delimiter).filter(Boolean);
  const named = await findNamedModels(options.model ?? []);
  const lost = new AbortController();
  if (process.stderr.isTTY) say("Starting …");
  const application = await createApplication({
    folder,
    ...(models && { models: models.map(expandHome) }),
    named,
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
