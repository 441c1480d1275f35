// Where the program's modules are: in the bundle, which loads in half the time, or one by one where it is not made or older
// than they are. Imports nothing but Node's own: it is what starts the rest.
import { statSync } from "node:fs";

const changed = (url: URL) => statSync(url, { throwIfNoEntry: false })?.mtimeMs;

/**
 * The folder of `run.js`, as a URL.
 * @param dist The compiled sources; the bundle stands beside the rooms there, and the compiler's record of what it wrote
 *   last, which a published package does not have.
 */
export function findProgram(dist: URL): URL {
  const bundle = new URL("bundle/", dist);
  const made = changed(new URL("run.js", bundle));
  const isCurrent = made !== undefined && made >= (changed(new URL(".tsbuildinfo", dist)) ?? 0);
  return isCurrent ? bundle : new URL("cli/", dist);
}
