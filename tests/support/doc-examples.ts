// Examples in the documentation, as tests run them.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Reads the examples of a document: those in one language, each after its number. */
export async function readExamples(path: string) {
  const text = await readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
  const codes = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
      (match, i): [number, string] => [i + 1, match[1]!],
    );
  return { text, codes };
}

/** Whether there is a curl; says so where there is none. */
export const findCurl = () =>
  promisify(execFile)("curl", ["--version"]).then(
    () => true,
    (error: Error) => {
      process.stderr.write(`The examples with curl are not tested: ${error.message}.\n`);
      return false;
    },
  );
