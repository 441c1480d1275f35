// The two sides of an adversarial loss must not move each other, and both must know what they see.
import { afterAll, describe, expect, it } from "vitest";
import { runRandom } from "../../../tests/support/run-random.js";
import type { HostTensors } from "../../engine/index.js";
import { makeEngine } from "../../engine/node.js";
import { gradients, type Program, type Tensor, trace } from "../../graph/index.js";
import { classifierConfigs, discriminatorConfigs } from "../../models/index.js";
import { random } from "../../random/index.js";
import { adversarialLosses, perceptualLoss } from "./image-losses.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const shape = [2, 32, 32, 3];
const size = shape.reduce((a, b) => a * b);
const noise = (name: string, scale = 0.3) => ({
  dtype: "f32" as const,
  shape,
  data: random(1, name)
    .normals(size)
    .map((value) => value * scale),
});

const signs = { ...noise("signs"), data: noise("signs").data.map(Math.sign) };

const run = (program: Program, inputs: HostTensors) => runRandom(engine, program, inputs);

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe("adversarialLosses", () => {
  it("gives the images the generator's gradient, and the discriminator its own", async () => {
    let names: string[] = [];
    const program = trace((tracer) => {
      const [image, real] = [tracer.input("image", shape), tracer.input("real", shape)];
      const signs = tracer.input("signs", shape);
      const losses = adversarialLosses(
        tracer.scope(),
        { image, original: real, signs },
        discriminatorConfigs.tiny,
      );
      const stem = tracer.parameters[0]!;
      names = tracer.parameters.map(({ name }) => name);
      const pairs = (["generator", "discriminator", "gradientPenalty"] as const).flatMap(
        (name): [string, Tensor][] => {
          const [ofImage, ofStem] = gradients(losses[name], [image, stem.tensor]) as [Tensor, Tensor];
          return [
            [`${name}/image`, ofImage],
            [`${name}/stem`, ofStem],
          ];
        },
      );
      return { ...losses, ...Object.fromEntries(pairs) };
    });
    expect(names.every((name) => /^(stem|shrink|middle|low|logits)\./.test(name))).toBe(true);
    const found = await run(program, { image: noise("image"), real: noise("real"), signs });
    expect(largest(found["generator/image"]!)).toBeGreaterThan(0);
    expect(largest(found["discriminator/stem"]!)).toBeGreaterThan(0);
    expect(largest(found["generator/stem"]!)).toBe(0);
    expect(largest(found["discriminator/image"]!)).toBe(0);
    expect(largest(found["gradientPenalty/image"]!)).toBe(0);
    expect(largest(found["gradientPenalty/stem"]!)).toBeGreaterThan(0);
    expect(found.accuracy![0]).toBeGreaterThanOrEqual(0);
    expect(found.accuracy![0]).toBeLessThanOrEqual(1);
  });

  it("judges images as they are saved: what rounding removes makes no difference", async () => {
    const program = trace((tracer) => {
      const [image, real] = [tracer.input("image", shape), tracer.input("real", shape)];
      const signs = tracer.input("signs", shape);
      return {
        ...adversarialLosses(tracer.scope(), { image, original: real, signs }, discriminatorConfigs.tiny),
      };
    });
    const bytes = noise("image").data.map((value) => Math.round((value + 1) * 127.5) / 127.5 - 1);
    const image = { dtype: "f32" as const, shape, data: bytes };
    const shifted = { ...image, data: bytes.map((value, i) => value + (i % 2 ? 1 : -1) * 0.003) };
    const real = noise("real");
    const [exact, near] = [
      await run(program, { image, real, signs }),
      await run(program, { image: shifted, real, signs }),
    ];
    expect(near.generator![0]).toBeCloseTo(exact.generator![0]!, 5);
  });
});

describe("perceptualLoss", () => {
  it("is zero for equal images, and its gradient reaches the image alone", async () => {
    const program = trace((tracer) => {
      const [image, target] = [tracer.input("image", shape), tracer.input("target", shape)];
      const loss = perceptualLoss(tracer.scope(), image, target, classifierConfigs.tiny);
      const [ofImage, ofTarget, ofStem] = gradients(loss, [image, target, tracer.parameters[0]!.tensor]);
      return { loss, ofImage: ofImage!, ofTarget: ofTarget!, ofStem: ofStem! };
    });
    const image = noise("image");
    expect((await run(program, { image, target: image })).loss![0]).toBe(0);
    const other = await run(program, { image, target: noise("real") });
    expect(other.loss![0]).toBeGreaterThan(0);
    expect(largest(other.ofImage!)).toBeGreaterThan(0);
    expect(largest(other.ofStem!)).toBe(0);
  });
});
