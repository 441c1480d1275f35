// An explanation as one HTML file that works from disk: its script, its style and its data stand in it (node).
import { readFile } from "node:fs/promises";
import { getPackageFile } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { escapeXml } from "../image/index.js";
import type { Explanation } from "./explanation.js";

async function readBuilt(name: string): Promise<string> {
  const path = getPackageFile(`dist/inside/${name}`);
  return readFile(path, "utf8").catch((error: unknown) => {
    const cure = "The package is incomplete: install it again, or build it from its sources with npm start";
    throw new NishikiError("file", `${path} is missing. ${cure}.`, { cause: error });
  });
}

/**
 * Writes an explanation as HTML.
 * @throws NishikiError "file" if the package was built without its page
 */
export async function makeExplanationPage(explanation: Explanation): Promise<string> {
  const [script, style] = await Promise.all([readBuilt("inside.js"), readBuilt("inside.css")]);
  // Neither a script nor a style element may hold its own end.
  const data = JSON.stringify(explanation).replaceAll("<", "\\u003c");
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeXml(`Inside: ${explanation.prompt}`)}</title>`,
    `<style>${style.replaceAll("</", "<\\/")}</style></head>`,
    '<body><main id="page"></main>',
    `<script id="explanation" type="application/json">${data}</script>`,
    `<script>${script.replaceAll("</script", "<\\/script")}</script>`,
    "</body></html>",
    "",
  ].join("\n");
}
