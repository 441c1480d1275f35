import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { fileRequestSchema, loadOptionsSchema } from "../pipeline/index.js";
import { flag, nonEmptyText, numberBetween, z } from "../schema/index.js";
import { addSettingOptions, nameOptions, pickSettings } from "./setting-options.js";

/** The settings that a command line means. */
function read(schema: z.ZodType, ...args: string[]): Record<string, unknown> {
  const command = addSettingOptions(new Command().exitOverride(), schema);
  command.configureOutput({ writeErr: () => {} }).parse(args, { from: "user" });
  return pickSettings(command.opts(), schema);
}

describe("options of a declaration", () => {
  it("are put into their groups, as numbers, switches and texts", () => {
    const args = ["--seed", "7", "-i", "a.png", "--strength", "0.5", "--mask", "m.png", "--seamless"];
    expect(read(fileRequestSchema, ...args, "--size", "512x768", "--deep-cache", "2")).toEqual({
      seed: 7,
      init: { image: "a.png", strength: 0.5 },
      inpaint: { mask: "m.png" },
      seamless: true,
      size: "512x768",
      deepCache: { interval: 2 },
    });
    expect(read(fileRequestSchema)).toEqual({});
  });

  it("switch off what is on by default", () => {
    expect(read(fileRequestSchema, "--no-paste-back")).toEqual({ inpaint: { pasteBack: false } });
  });

  it("have the names that they had before", () => {
    const names = ["--negative", "blurry", "--reuse", "3", "--tile"];
    expect(read(fileRequestSchema, ...names)).toEqual({
      negativePrompt: "blurry",
      deepCache: { interval: 3 },
      seamless: true,
    });
  });

  it("stand in messages in place of the settings' names", () => {
    const rename = (message: string) => nameOptions(message, fileRequestSchema);
    expect(rename("init.image: expected the path of an image, got nothing.")).toBe(
      "--image: expected the path of an image, got nothing.",
    );
    expect(rename("inpaint.mask: expected 8x8 pixels, the size of init.image, got 7x7.")).toBe(
      "--mask: expected 8x8 pixels, the size of --image, got 7x7.",
    );
    expect(rename("steps: expected 1.\nclipSkip: expected 2.\nvariation: expected 3.")).toBe(
      "steps: expected 1.\n--clip-skip: expected 2.\n--variation-strength or --variation-seed: expected 3.",
    );
    expect(rename("Cannot read my-init.image.png: no.")).toBe("Cannot read my-init.image.png: no.");
  });

  it("may be repeated where the setting is a list, also of objects", () => {
    const args = [
      "--lora",
      "a.safetensors:0.8",
      "--lora",
      "file=b, c.safetensors,weight=0.5",
      "--embedding",
      "x",
    ];
    expect(read(loadOptionsSchema, ...args)).toEqual({
      lora: ["a.safetensors:0.8", { file: "b, c.safetensors", weight: 0.5 }],
      embedding: ["x"],
    });
  });

  it("come from any declaration, such as pictures that control, each with numbers of its own", () => {
    const control = z.strictObject({
      image: nonEmptyText,
      weight: numberBetween(0, 2).default(1),
      from: numberBetween(0, 1).optional(),
      invert: flag.optional(),
    });
    const schema = z.strictObject({
      control: z.array(control).optional().meta({ flag: "--control <image=…,weight=…>", description: "x" }),
    });
    const args = ["--control", "image=a.png,weight=0.5,invert=true", "--control", "image=b.png,from=0.2"];
    expect(read(schema, ...args)).toEqual({
      control: [
        { image: "a.png", weight: 0.5, invert: true },
        { image: "b.png", from: 0.2 },
      ],
    });
  });
});
