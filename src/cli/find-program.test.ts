import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findProgram } from "./find-program.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nishiki-program-"));
  mkdirSync(join(folder, "bundle"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, seconds: number) => {
  writeFileSync(join(folder, name), "");
  utimesSync(join(folder, name), seconds, seconds);
};
const find = () =>
  findProgram(pathToFileURL(`${folder}/`)).href.slice(pathToFileURL(`${folder}/`).href.length);

it("is the bundle of a published package", () => {
  write("bundle/run.js", 1000);
  expect(find()).toBe("bundle/");
});

it("is the bundle as long as nothing was compiled after it", () => {
  write(".tsbuildinfo", 1000);
  write("bundle/run.js", 1000);
  expect(find()).toBe("bundle/");
  write(".tsbuildinfo", 1001);
  expect(find()).toBe("cli/");
});

it("is the modules where there is no bundle", () => {
  expect(find()).toBe("cli/");
});
