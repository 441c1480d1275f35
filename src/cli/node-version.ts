// Whether this Node can run the program. Imports nothing: on an older one the other modules may not even load.

/** The oldest that the package is tested with, as package.json's `engines` says. */
const oldest = [20, 19] as const;

/** One sentence about a Node that is too old, or undefined. @param version As in `process.versions.node`. */
export function findNodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return `Nishiki needs Node ${oldest.join(".")} or later, and this is Node ${version}. Install a newer one, such as the LTS version of nodejs.org.`;
}
