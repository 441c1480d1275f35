// Prepares a clone: installs packages and builds sources. Prints nothing if both are up to date.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const oldestNode = [20, 19];

/**
 * Runs a command and returns its exit code. Sends its output to stderr, to keep stdout for the program.
 */
export function run(command, args, { quiet = false } = {}) {
  const options = { cwd: root, stdio: ["inherit", quiet ? "pipe" : 2, quiet ? "pipe" : 2], encoding: "utf8" };
  // On Windows, npm is a shell script.
  const shell = process.platform === "win32" && command === "npm";
  const { status, error, stdout, stderr } = spawnSync(command, args, { ...options, shell });
  if (error) fail(`${command} could not be started: ${error.message}`);
  if (status !== 0 && quiet) process.stderr.write(`${stdout}${stderr}`);
  return status ?? 1;
}

export function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

/** A package's program as a command of this Node: no shell, no search of PATH. */
export function tool(path, ...args) {
  return [process.execPath, [join(root, "node_modules", path), ...args]];
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(`Nishiki needs Node ${oldestNode.join(".")} or newer; this is ${process.versions.node}.`);
}

/**
 * Whether node_modules has the versions in package-lock.json. Optional packages may belong to other systems.
 */
function isInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const packagesOf = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
  const present = packagesOf(installed);
  return Object.entries(packagesOf(join(root, "package-lock.json"))).every(
    ([path, { version, optional }]) => {
      if (path === "") return true;
      if (!present[path]) return optional === true;
      return present[path].version === version && existsSync(join(root, path, "package.json"));
    },
  );
}

/**
 * Installs the packages that package-lock.json names, if they are not there. Ends the process where that
 * fails.
 */
export function install() {
  checkNode();
  if (isInstalled()) return;
  process.stderr.write("Installing packages (once) …\n");
  if (run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]) !== 0) {
    fail(
      "Installing packages failed. A package registry must be reachable for the first start; then run this again.",
    );
  }
}

/** When a folder or anything in it was last changed; a removed file changes its folder. */
function lastChange(folder) {
  let latest = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? lastChange(path) : statSync(path).mtimeMs);
  }
  return latest;
}

/**
 * Runs a build step if its inputs changed since its last run: a command, or a function. Ends the process where it fails.
 */
function buildPart(stampName, inputs, step, what) {
  const stamp = join(root, "dist", stampName);
  const changed = Math.max(
    ...inputs
      .map((name) => join(root, name))
      .map((path) => (isFolder(path) ? lastChange(path) : statSync(path).mtimeMs)),
  );
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= changed) return;
  const started = new Date();
  process.stderr.write(`Building${what} …\n`);
  if (typeof step === "function") step();
  else if (run(...step) !== 0) fail("Building failed.");
  writeFileSync(stamp, "");
  // What is changed while the step runs may not be in dist yet.
  utimesSync(stamp, started, started);
}

const isFolder = (path) => statSync(path).isDirectory();

/**
 * Makes the empty database that a server's first start unpacks. Without it, that start takes seconds longer and 850 MB of
 * memory. A new version of PGlite may not read what another one wrote.
 */
function packDatabase() {
  const { version } = JSON.parse(
    readFileSync(join(root, "node_modules/@electric-sql/pglite/package.json"), "utf8"),
  );
  const folder = join(root, "dist/server/database");
  for (const name of readdirSync(folder)) if (/^template-.*\.zip$/.test(name)) rmSync(join(folder, name));
  const temporary = join(folder, ".template");
  const command = [process.execPath, [join(root, "dist/server/pack-database.js"), temporary]];
  if (run(...command, { quiet: true }) === 0) renameSync(temporary, join(folder, `template-${version}.zip`));
}

/** What decides how the empty database looks. */
const databaseSources = [
  ...["database", "queue", "library/index-tables.ts", "pack-database.ts"].map((name) => `src/server/${name}`),
  "package-lock.json",
];

/** Compiles src and the page to dist where something changed since. Ends the process where that fails. */
export function build() {
  const compile = tool("typescript/bin/tsc", "-p", "tsconfig.build.json");
  buildPart(".built", ["src", "package.json", "tsconfig.json", "tsconfig.build.json"], compile, "");
  const bundled = [process.execPath, [join(root, "scripts/bundle.mjs")]];
  // The program takes the bundle only if it is newer than what the compiler has written.
  const compiled = ["dist/.tsbuildinfo", "package-lock.json", "scripts/bundle.mjs"];
  buildPart(".bundle-built", compiled, bundled, " the program");
  buildPart(".database-built", databaseSources, packDatabase, " the database");
  const page = [process.execPath, [join(root, "scripts/build-web.mjs")]];
  buildPart(".web-built", ["web", "package-lock.json", "scripts/build-web.mjs"], page, " the page");
}
