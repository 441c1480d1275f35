// The package as `npm pack` makes it, installed into an empty folder elsewhere: it draws, and every entry can be imported.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng } from "../src/image/index.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const execute = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const npm = (args: string[], cwd: string) =>
  execute("npm", args, { cwd, shell: process.platform === "win32", maxBuffer: 1 << 26 });

interface LockEntry {
  readonly dev?: boolean;
  readonly link?: boolean;
}

let folder: string;
let files: string[];
let installed: string;

/**
 * Unpacks the package where npm would, with its dependencies beside it, those that package-lock.json does not mark as for
 * development only. So nothing is fetched, and a package that is used but not declared is missed here as elsewhere.
 */
async function install(tarball: string): Promise<string> {
  const project = join(folder, "project");
  const modules = join(project, "node_modules");
  await mkdir(modules, { recursive: true });
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "project", private: true }));
  await execute("tar", ["-xzf", tarball, "-C", modules]);
  await cp(join(modules, "package"), join(modules, "nishiki"), { recursive: true });
  await rm(join(modules, "package"), { recursive: true });
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockEntry>;
  };
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    const isTop = path.startsWith("node_modules/") && !path.slice(1).includes("/node_modules/");
    const exists = await readdir(join(root, path)).catch(() => undefined);
    if (!isTop || dev || !exists) continue;
    await mkdir(dirname(join(project, path)), { recursive: true });
    await cp(join(root, path), join(project, path), { recursive: true, filter: keepsLight });
  }
  await mkdir(join(modules, ".bin"));
  await chmod(join(modules, "nishiki", "dist", "cli", "main.js"), 0o755); // as npm does for a package's programs
  await symlink("../nishiki/dist/cli/main.js", join(modules, ".bin", "nishiki"));
  return join(modules, "nishiki");
}

/** The runtime's binaries for other systems are 200 MB that this test can do without. */
function keepsLight(path: string): boolean {
  const platform = /onnxruntime-node[/\\]bin[/\\]napi-v\d+[/\\](\w+)(?:[/\\](\w+))?/.exec(path);
  return !platform || (platform[1] === process.platform && (platform[2] ?? process.arch) === process.arch);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-package-"));
  const { stdout } = await npm(["pack", "--json", "--pack-destination", folder], root);
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  files = packed.files.map(({ path }) => path);
  installed = await install(join(folder, packed.filename));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the package", () => {
  it("holds the program, its types, the weights and the licence, and nothing else", () => {
    for (const needed of [
      ...["package.json", "LICENSE", "dist/index.js", "dist/index.d.ts", "dist/cli/main.js"],
      ...["dist/bundle/run.js", "dist/bundle/node-worker.js", "dist/bundle/drawer-process.js"],
      ...["dist/web/index.html", "dist/inside/inside.js", "dist/inside/inside.css"],
    ])
      expect(files).toContain(needed);
    for (const needed of [
      "model.json",
      "tokenizer.json",
      "denoiser.safetensors",
      "text-encoder.safetensors",
      "text-encoder-LICENSE.txt",
    ])
      expect(files).toContain(`weights/${needed}`);
    const allowed =
      /^(dist\/.*\.(js|d\.ts)|dist\/(web|inside)\/.*|dist\/bundle\/LICENCES\.txt|dist\/server\/database\/template-[\d.]+\.zip|weights\/.*|docs\/.*\.(md|webp|html|json)|examples\/.*|engines\/xla\/.*|schemas\/\w+\.json|package\.json|LICENSE|README\.md|CHANGELOG\.md|ARCHITECTURE\.md)$/;
    expect(files.filter((path) => !allowed.test(path) || /\.test\./.test(path))).toEqual([]);
  });

  it("has a file behind every entry, and every entry can be imported", async () => {
    const { exports } = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as {
      exports: Record<string, string>;
    };
    const names = Object.keys(exports)
      .filter((name) => !name.endsWith(".json"))
      .map((name) => `nishiki${name.slice(1)}`);
    const script = join(folder, "project", "import-all.mjs");
    const lines = names.map(
      (name) =>
        `console.log(${JSON.stringify(name)}, Object.keys(await import(${JSON.stringify(name)})).length);`,
    );
    await writeFile(script, lines.join("\n"));
    const { stdout } = await execute(process.execPath, [script]);
    const counts = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
    expect(counts.map(([name]) => name)).toEqual(names);
    for (const [name, count] of counts) expect(Number(count), name).toBeGreaterThan(0);
  });

  it("has types that a strict program without others' types can use", async () => {
    const { exports } = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as {
      exports: Record<string, string>;
    };
    const names = Object.keys(exports).filter((name) => !name.endsWith(".json"));
    const lines = names.map((name, i) => `export * as room${i} from "nishiki${name.slice(1)}";`);
    const use = `import { loadPipeline, type PipelineEvent } from "nishiki";
      const pipeline = await loadPipeline({ threads: 1 });
      for await (const event of pipeline.generate({ prompt: "a cat" })) {
        const checked: PipelineEvent = event;
        if (checked.kind === "image") checked.png().byteLength satisfies number;
      }`;
    await writeFile(join(folder, "project", "use.mts"), `${lines.join("\n")}\n${use}\n`);
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--types",
      "",
      "use.mts",
    ];
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout } = await execute(process.execPath, [compiler, ...flags], {
      cwd: join(folder, "project"),
    });
    expect(stdout).toBe("");
  });

  it("has links that lead somewhere in the package", async () => {
    const dead: string[] = [];
    for (const page of files.filter((path) => path.endsWith(".md"))) {
      const text = await readFile(join(installed, page), "utf8");
      for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        const [path] = link!.split("#");
        if (path === "" || /^https?:/.test(path!)) continue;
        if (!existsSync(join(installed, dirname(page), path!))) dead.push(`${page}: ${link}`);
      }
    }
    expect(dead).toEqual([]);
  });

  it("says for bundlers that importing it does nothing by itself", async () => {
    const { sideEffects } = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as {
      sideEffects: boolean;
    };
    expect(sideEffects).toBe(false);
  });

  // The script would fetch CUDA libraries from a server that is no package registry.
  it("bears install scripts, with the variable that README names", async () => {
    const { stdout } = await execute("npm", ["rebuild", "onnxruntime-node", "--ignore-scripts=false"], {
      cwd: join(folder, "project"),
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
      shell: process.platform === "win32",
    });
    expect(stdout).toContain("rebuilt dependencies successfully");
    expect(await readFile(join(installed, "README.md"), "utf8")).toContain("ONNXRUNTIME_NODE_INSTALL=skip");
  });

  it("draws where it is installed", async () => {
    const project = join(folder, "project");
    const args = ["--no", "nishiki", "a cat", "--steps", "2", "--seed", "1", "--output", "cat.png"];
    const { stdout } = await execute("npx", args, { cwd: project, shell: process.platform === "win32" });
    expect(stdout.trim()).toBe("cat.png");
    expect(decodePng(await readFile(join(project, "cat.png"))).width).toBe(256);
  });
});

describe("a program that was bundled", () => {
  const program = `import { loadPipeline } from "nishiki";
    async function draw() {
      const pipeline = await loadPipeline({ threads: 1 });
      for await (const event of pipeline.generate({ prompt: "a cat", steps: 1, seed: 1 }))
        if (event.kind === "image") console.log(event.png().length > 1000);
      await pipeline.dispose();
    }
    draw().catch((error) => { console.log(error.code, error.message); process.exitCode = 1; });`;

  /** A folder with the runtime's packages and without this one, and the program's bundle in it. */
  async function bundle(format: "esm" | "cjs"): Promise<{ elsewhere: string; file: string }> {
    const elsewhere = await mkdtemp(join(folder, "bundled-"));
    await mkdir(join(elsewhere, "node_modules"));
    for (const name of await readdir(join(folder, "project", "node_modules")))
      if (name !== "nishiki" && !name.startsWith("."))
        await symlink(join(folder, "project", "node_modules", name), join(elsewhere, "node_modules", name));
    const file = join(elsewhere, format === "esm" ? "program.mjs" : "program.cjs");
    await build({
      stdin: { contents: program, resolveDir: join(folder, "project") },
      outfile: file,
      bundle: true,
      platform: "node",
      format,
      external: ["onnxruntime-node", "sharp"],
      logLevel: "error",
    });
    return { elsewhere, file };
  }

  it.each(["esm", "cjs"] as const)(
    "finds its files where the package is installed, as %s",
    async (format) => {
      const { elsewhere, file } = await bundle(format);
      await symlink(installed, join(elsewhere, "node_modules", "nishiki"));
      const { stdout } = await execute(process.execPath, [file], { cwd: tmpdir() });
      expect(stdout).toBe("true\n");
    },
  );

  it.each(["esm", "cjs"] as const)("says what is missing and what cures it, as %s", async (format) => {
    const { file } = await bundle(format);
    const failed = await execute(process.execPath, [file], { cwd: tmpdir() }).catch(
      (error: unknown) => error,
    );
    const { stdout, stderr } = failed as { stdout: string; stderr: string };
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^file The files of the package nishiki .* are not near this program\. .*\.\n$/);
    expect(stdout).toContain("set NISHIKI_ROOT to its folder");
    const env = { ...process.env, NISHIKI_ROOT: installed };
    expect((await execute(process.execPath, [file], { cwd: tmpdir(), env })).stdout).toBe("true\n");
  });
});
