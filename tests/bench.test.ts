import { describe, expect, it } from "vitest";
import { countFlop } from "../bench/count-flop.js";
import { transformer, unet } from "../bench/networks.js";
import { convChannelsLast, trace } from "../src/graph/index.js";
import { ditConfigs } from "../src/models/index.js";

describe("counting FLOP", () => {
  it("counts the transformer as bench/peers/README.md does", () => {
    const [n, m, batch] = [64, 16, 32];
    const { width: w, depth, latentChannels, textWidth, timeFrequencies } = ditConfigs.small;
    const block = 4 * w * w * n + 2 * w * w * m + 2 * n * (n + m) * w + 8 * w * w * n;
    const ends = 2 * latentChannels * w * n + textWidth * w * m + 8 * w * w;
    const condition = timeFrequencies * w + textWidth * (m + w) + 2 * w * w; // the words' mean is a product too
    const { objective } = transformer(batch);
    const counted = countFlop(trace((tracer) => ({ loss: objective(batch)(tracer).loss })));
    expect(counted).toBe(2 * batch * (depth * block + ends + condition));
  });

  it("counts a convolution as its windows times its kernel", () => {
    const program = trace((tracer) => {
      const weight = tracer.scope().parameter("weight", [7, 3, 3, 5]);
      return { y: convChannelsLast(tracer.input("x", [2, 4, 6, 5]), weight) };
    });
    expect(countFlop(program)).toBe(2 * (2 * 4 * 6) * (9 * 5) * 7);
  });

  it("grows with the batch", () => {
    const flop = (batch: number) =>
      countFlop(trace((tracer) => ({ loss: unet(batch).objective(batch)(tracer).loss })));
    expect(flop(4)).toBe(2 * flop(2));
  });
});
