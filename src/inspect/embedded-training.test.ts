import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { getPackageFile } from "../engine/node.js";
import { embeddedTraining } from "./embedded-training.js";

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

it("says what the model card says", async () => {
  const card = await readFile(getPackageFile("weights/README.md"), "utf8");
  const rows = card
    .split("\n")
    .filter(
      (line) =>
        line.includes("× 10") &&
        /^\| ((new )?(autoencoder|decoder alone)|denoiser, part 1|part \d+) \|/.test(line),
    )
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const flop = (text: string) => {
    const [, mantissa, exponent] = /([\d.]+) × 10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)/.exec(text)!;
    return Number(`${mantissa}e${[...exponent!].map((digit) => superscripts.indexOf(digit)).join("")}`);
  };
  const denoiser = rows.filter(([, name]) => name!.includes("part"));
  const images = denoiser.reduce(
    (sum, [, , samples]) => sum + Number(/[\d,]+/.exec(samples!)![0].replaceAll(",", "")),
    0,
  );
  expect(embeddedTraining.images).toBe(images);
  // Two operations are one multiplication and one addition.
  const all = rows.reduce((sum, [, , , work]) => sum + flop(work!) / 2, 0);
  expect(embeddedTraining.multiplications / all).toBeCloseTo(1, 2);
  expect(embeddedTraining.hours).toBeCloseTo(
    rows.reduce((sum, row) => sum + Number.parseFloat(row[4]!), 0),
    1,
  );
});
