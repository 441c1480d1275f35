// A setting is one row of image-request.ts; what follows from a row is counted here.
import { describe, expect, it } from "vitest";
import {
  commonSettings,
  completeRequest,
  fileRequestSchema,
  getLoadOptionsJsonSchema,
  getRequestJsonSchema,
  imageRequestSchema,
  optionalSettings,
  receiptRequestSchema,
} from "../src/pipeline/index.js";
import { getShape, listFields, toJsonSchema } from "../src/schema/index.js";
import { runHere } from "./support/run-here.js";

/** The fields of a request that are values; sizes and sides are one value. */
function listLeaves(
  schema: typeof imageRequestSchema | typeof fileRequestSchema | typeof receiptRequestSchema,
) {
  const fields = listFields(schema);
  return fields.filter(({ path, flag }) => path === "prompt" || flag !== undefined);
}

/** The part of a JSON Schema that stands at a path. */
const at = (json: unknown, path: string): Record<string, unknown> =>
  path
    .split(".")
    .reduce(
      (inside, name) => (inside as { properties: Record<string, unknown> }).properties[name],
      json,
    ) as Record<string, unknown>;

describe("each setting", () => {
  const leaves = listLeaves(imageRequestSchema);

  it("is a value with an option, or a group of such", () => {
    const groups = listFields(imageRequestSchema).filter(
      ({ path, flag }) => path !== "prompt" && flag === undefined,
    );
    for (const { path, schema } of groups)
      expect([path, getShape(schema)]).toEqual([path, expect.any(Object)]);
    expect(leaves.length).toBeGreaterThan(20);
  });

  it("is in JSON Schema, with its description", () => {
    const json = JSON.parse(JSON.stringify(toJsonSchema(imageRequestSchema)));
    for (const { path, description } of leaves) {
      expect(description).not.toBe("");
      expect(at(json, path)).toMatchObject({ description });
    }
    expect(json.required).toEqual(["prompt"]);
    expect(json.additionalProperties).toBe(false);
  });

  it("is an option of the command line, with its description and its default", async () => {
    const { stdout } = await runHere(["draw", "--help"]);
    const help = stdout.replace(/\s+/g, " ");
    for (const { path, flag, description, defaultText } of leaves) {
      if (path === "prompt") continue;
      const text = defaultText === undefined ? description : `${description} (default: ${defaultText})`;
      expect(help).toContain(`${flag} ${flag?.startsWith("--no-") ? "do not " : ""}${text}`);
    }
  });

  it("is in receipts, and in requests whose images are files", () => {
    const paths = leaves.map(({ path }) => path);
    expect(listLeaves(receiptRequestSchema).map(({ path }) => path)).toEqual(paths);
    expect(listLeaves(fileRequestSchema).map(({ path }) => path)).toEqual(paths);
  });

  it("is taken by all models or named as one that only some take", () => {
    expect([...commonSettings, ...optionalSettings].sort()).toEqual(
      Object.keys(imageRequestSchema.shape).sort(),
    );
    const context = {
      defaults: { steps: 1, guidance: 1, sampler: "euler" },
      sizes: { usual: { width: 8, height: 8 } },
      takes: optionalSettings,
    };
    expect(Object.keys(completeRequest({ prompt: "a" }, context)).sort()).toEqual([...commonSettings].sort());
  });
});

describe("JSON Schema of a request", () => {
  it("has no keywords of this project's own, and describes both forms of a size", () => {
    const json = JSON.parse(JSON.stringify(toJsonSchema(imageRequestSchema)));
    expect(JSON.stringify(json)).not.toMatch(
      /"(flag|aliases|defaultText|isImage|renamed|expected|readOnly)":/,
    );
    expect(at(json, "size").anyOf).toMatchObject([{ type: "string" }, { type: "object" }]);
    expect(at(json, "seed")).toMatchObject({ type: "integer", minimum: 0 });
    expect(at(json, "sampler")).toMatchObject({ type: "string" });
    expect(at(json, "steps")).toMatchObject({ type: "integer", minimum: 1, maximum: 1000 });
  });

  it("has only what a model takes, with its defaults and sizes", () => {
    const defaults = { steps: 25, guidance: 7.5, sampler: "pndm", rng: "torch-cpu" as const };
    const range = { step: 8, least: 64, most: 4096 };
    const sizes = { usual: { width: 512, height: 512 }, range };
    const json = getRequestJsonSchema({ defaults, sizes, takes: ["init", "rng"] });
    expect(Object.keys(json.properties as object).sort()).toEqual([...commonSettings, "init", "rng"].sort());
    expect(at(json, "steps")).toMatchObject({ default: 25, minimum: 1, maximum: 1000 });
    expect(at(json, "size")).toMatchObject({
      default: "512x512",
      anyOf: [{ type: "string" }, { properties: { width: { minimum: 64, multipleOf: 8 } } }],
    });
    const { sizes: _, ...one } = { sizes, defaults, takes: [] };
    const fixed = getRequestJsonSchema({
      ...one,
      sizes: { usual: { width: 256, height: 256 }, enlarging: { factors: [2], ways: ["lanczos"] } },
    });
    expect(at(fixed, "size")).toMatchObject({ default: "256x256", examples: ["256x256", "512x512"] });
  });

  it("describes load options, a list of LoRAs among them", () => {
    const json = getLoadOptionsJsonSchema();
    expect(json.required).toBeUndefined();
    expect(at(json, "device")).toMatchObject({ default: "auto", type: "string" });
    expect(JSON.stringify(at(json, "lora"))).toMatch(/"weight".*"maximum":10/);
  });
});
