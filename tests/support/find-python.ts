// A Python with a package that a test needs: `python3`, or the one that NISHIKI_PYTHON names.
import { spawnSync } from "node:child_process";

/** Finds a Python that can import these packages. Prints why not, and returns undefined, where there is none. */
export function findPython(...packages: readonly string[]): string | undefined {
  const python = process.env.NISHIKI_PYTHON ?? "python3";
  const probe = spawnSync(python, ["-c", `import ${packages.join(", ")}`], { encoding: "utf8" });
  if (probe.status === 0) return python;
  const why = probe.error ? probe.error.message : probe.stderr.trim().split("\n").at(-1);
  const wanted = packages.join(" and ");
  process.stderr.write(
    `Not tested with Python's ${wanted}: "${python}" cannot import it (${why}); NISHIKI_PYTHON names another.\n`,
  );
  return undefined;
}
