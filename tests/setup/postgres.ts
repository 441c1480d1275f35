// A Postgres for tests: the one that is installed (Debian's), with a folder, port and process of its own. It refuses to run
// as root, so it is started as another user there.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import pg from "pg";

/** The newest installed version's programs, such as initdb. */
function findPrograms(): string | undefined {
  const versions = "/usr/lib/postgresql";
  if (!existsSync(versions)) return undefined;
  return readdirSync(versions)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, "bin"))
    .find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

/** Whom to run it as: oneself, or where that is root, an ordinary user of the system. */
function findUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return { uid: userInfo().uid, gid: userInfo().gid };
  for (const name of ["postgres", "nobody"]) {
    try {
      const read = (flag: string) => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
      return { uid: read("-u"), gid: read("-g") };
    } catch {
      // No such user.
    }
  }
  return undefined;
}

async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface TestPostgres {
  /** Address of a database of the server; databases other than "postgres" are made by `makeDatabase`. */
  readonly url: string;
  makeDatabase(): Promise<string>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why there is no Postgres here, printed once for each test file; undefined where there is one. */
export function findPostgresProblem(): string | undefined {
  const reason = !findPrograms()
    ? "it is not installed (Debian: apt-get install postgresql)"
    : !findUser()
      ? "it does not run as root, and there is no user postgres or nobody"
      : undefined;
  if (reason) console.warn(`Tests with Postgres are skipped: ${reason}.`);
  return reason;
}

/** Starts a Postgres on a free port of this machine. */
export async function startPostgres(): Promise<TestPostgres> {
  const [programs, user] = [findPrograms()!, findUser()!];
  // Short: the path of its socket is limited to about 100 characters.
  const folder = mkdtempSync("/tmp/nishiki-pg-");
  chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const options = { cwd: folder, uid: user.uid, gid: user.gid, env: { ...process.env, LC_ALL: "C" } };
  const setUp = ["-D", data, "-U", "nishiki", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"];
  execFileSync(join(programs, "initdb"), setUp, { ...options, stdio: "pipe" });
  const port = await findPort();
  const url = `postgres://nishiki@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;

  const waitUntilReady = async () => {
    for (let attempt = 0; ; attempt++) {
      const client = new pg.Client({ connectionString: url });
      client.on("error", () => undefined);
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        await client.end().catch(() => undefined);
        if (attempt > 300 || child?.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  const restart = async () => {
    rmSync(join(data, "postmaster.pid"), { force: true });
    const settings = ["listen_addresses=127.0.0.1", `port=${port}`, `unix_socket_directories=${folder}`];
    const small = ["shared_buffers=16MB", "max_connections=60"];
    const flags = [...settings, ...small].flatMap((setting) => ["-c", setting]);
    child = spawn(join(programs, "postgres"), ["-D", data, ...flags], { ...options, stdio: "ignore" });
    await waitUntilReady();
  };
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child!.once("exit", resolve));
    child.kill(signal);
    await ended;
  };
  // A test run that is broken off takes its Postgres with it.
  const cleanUp = () => {
    child?.kill("SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", cleanUp);
  await restart();
  let count = 0;
  return {
    url,
    restart,
    makeDatabase: async () => {
      const name = `test_${process.pid}_${count++}`;
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return url.replace(/postgres$/, name);
    },
    // SIGKILL leaves its other processes for a moment; they notice and end by themselves.
    kill: async () => {
      await end("SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 300));
    },
    stop: async () => {
      await end("SIGINT");
      process.off("exit", cleanUp);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
