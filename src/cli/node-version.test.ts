import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { findNodeProblem } from "./node-version.js";

it("names the version that is needed and the one that is there", () => {
  expect(findNodeProblem("18.20.4")).toMatch(
    /^Nishiki needs Node 20\.19 or later, and this is Node 18\.20\.4\. /,
  );
  expect(findNodeProblem("20.18.3")).toMatch(/20\.18\.3/);
  for (const version of ["20.19.0", "20.20.1", "22.0.0", "24.1.0", process.versions.node])
    expect(findNodeProblem(version)).toBeUndefined();
});

it("is the version of package.json, and is checked before anything else is loaded", async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");
  const { engines } = JSON.parse(await read("../../package.json")) as { engines: { node: string } };
  expect(findNodeProblem("1.0.0")).toContain(`Node ${engines.node.replace(">=", "")} or later`);
  const imports = [...(await read("./main.ts")).matchAll(/^import .* from "(.*)"/gm)].map(([, from]) => from);
  expect(imports).toEqual(["node:module", "./find-program.js", "./node-version.js"]);
  expect(await read("./find-program.ts")).not.toMatch(/^import (?!.*"node:)/m);
  expect(await read("./node-version.ts")).not.toMatch(/^import/m);
});
