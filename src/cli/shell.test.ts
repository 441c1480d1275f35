import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { respell } from "./commands/train.js";
import { formatCommand } from "./shell.js";

describe("formatCommand", () => {
  it("gives a line that a shell takes apart into the same arguments", () => {
    const args = ["finetune", "my pictures", "it's $HOME", "--output=a.b", "", "*", "-n", 3, "ünï"];
    const line = formatCommand(...args).replace(/^nishiki /, `"${process.execPath}" -e "$SCRIPT" -- `);
    const env = { ...process.env, SCRIPT: "console.log(JSON.stringify(process.argv.slice(1)))" };
    const output = execFileSync("sh", ["-c", line], { env, encoding: "utf8" });
    expect(JSON.parse(output)).toEqual(args.map(String));
  });
});

describe("respell", () => {
  it.each([
    ["a.json", {}, undefined],
    ["a.json", { steps: 3, resume: true }, undefined],
    ["a b.json", { export: "out" }, "nishiki export 'a b.json' --output out"],
    ["a.json", { export: "out", batches: "7" }, "nishiki export a.json --output out --batches 7"],
    ["a.json", { stream: "0" }, "nishiki export a.json --stream 0"],
    [undefined, { pictures: "p", lora: "x y.safetensors" }, "nishiki finetune p --output 'x y.safetensors'"],
    [
      undefined,
      { pictures: "p", full: "m", model: "base", steps: 9, resume: true },
      "nishiki finetune p --output m --model base --steps 9 --resume",
    ],
  ])("%s %j", (config, options, expected) => {
    expect(respell(config, options)).toBe(expected);
  });
});
