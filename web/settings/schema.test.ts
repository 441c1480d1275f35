// The settings form follows the schema: whatever the server declares has a field.
import { describe, expect, it } from "vitest";
import { getRequestJsonSchema } from "../../src/pipeline/index.js";
import { changeAt, getAt, getFields, getPlainName, getSliderRange, type SettingsSchema } from "./schema.js";

const schema = getRequestJsonSchema() as unknown as SettingsSchema;

describe("getFields", () => {
  it("has a field for every setting that has no place of its own", () => {
    const fields = getFields(schema, { sampler: ["euler"], schedule: ["karras"] });
    const elsewhere = [
      ...["prompt", "negativePrompt", "seed", "count", "size", "init", "inpaint"],
      ...["styleReference", "layoutReference"],
    ];
    const names = Object.keys(schema.properties).filter((name) => !elsewhere.includes(name));
    expect(fields.map(({ path }) => path[0])).toEqual(names);
  });

  it("makes a field of a setting that did not exist when the page was written", () => {
    const properties = {
      glow: { type: "boolean", description: "make it glow" },
      mood: { type: "string", enum: ["calm", "wild"] },
      depth: { type: "object", properties: { near: { type: "number", minimum: 0, maximum: 1 } } },
    };
    const fields = getFields({ properties });
    expect(fields.map(({ kind }) => kind)).toEqual(["switch", "choice", "group"]);
    expect(fields[2]).toMatchObject({ fields: [{ kind: "number", path: ["depth", "near"], step: 0.01 }] });
    expect(getPlainName("guidanceRescale")).toBe("Guidance rescale");
  });

  it("gives a slider the useful part of a wide range, and none to what has no limits", () => {
    const [steps] = getFields({ properties: { steps: { type: "integer", minimum: 1, maximum: 1000 } } });
    const [seed] = getFields({ properties: { other: { type: "integer", minimum: 0 } } });
    expect(steps?.kind === "number" && getSliderRange(steps)).toEqual([1, 60]);
    expect(seed?.kind === "number" && getSliderRange(seed)).toBeUndefined();
  });
});

describe("changeAt", () => {
  it("changes a value inside a group, and drops a group without values", () => {
    const group = changeAt(undefined, ["strength"], 0.3);
    expect(group).toEqual({ strength: 0.3 });
    expect(changeAt(group, ["seed"], 7)).toEqual({ strength: 0.3, seed: 7 });
    expect(changeAt(group, ["strength"], undefined)).toBeUndefined();
    expect(getAt({ variation: group }, ["variation", "strength"])).toBe(0.3);
    expect(getAt({}, ["variation", "strength"])).toBeUndefined();
  });
});
