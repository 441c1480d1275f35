// `npm run bench -- convolutions`: 3×3 convolutions by the runtime and by Winograd's tiles, turn and turn about, with
// weights as they are in a denoiser: read in every run. The table in src/graph/convolution-table.ts follows from it.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { HostTensor } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { chooseForm } from "../../src/graph/convolution-table.js";
import { conv2d, trace } from "../../src/graph/index.js";
import { convWinograd } from "../../src/graph/ops/winograd.js";
import type { TileSize } from "../../src/graph/ops/winograd-transforms.js";
import { random } from "../../src/random/index.js";
import { median, timed } from "../cost.js";
import { table } from "../report.js";

const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "7" },
    threads: { type: "string", default: String(availableParallelism()) },
    /** batch,channels in,out,side; may be repeated. */
    size: { type: "string", multiple: true },
  },
});

/** Stable Diffusion 1.5's denoiser at 512×512 with guidance, and its decoder. */
const usual = [
  ...["2,320,320,64", "2,640,320,64", "2,960,320,64", "2,640,640,32", "2,1920,640,32", "2,1280,1280,32"],
  ...["2,1280,1280,16", "2,2560,1280,16", "2,1280,1280,8", "1,512,512,64", "1,512,512,128", "1,256,256,256"],
  ...["1,128,128,512", "1,64,64,64", "1,64,64,256", "1,64,64,512"],
];
const engine = makeEngine({ device: "cpu", threads: Number(values.threads) });

const forms: readonly (TileSize | undefined)[] = [undefined, 2, 4];
const nameOf = (tile: TileSize | undefined) => (tile ? "last" : "first");

async function measure(size: string): Promise<string[]> {
  const [batch, inner, out, side] = size.split(",").map(Number) as [number, number, number, number];
  const choice = chooseForm({ batch, inner, out, height: side, width: side });
  const numbers = random(0, "convolution");
  const normals = (...shape: number[]): HostTensor => ({
    dtype: "f32",
    shape,
    data: numbers.normals(shape.reduce((a, b) => a * b, 1)),
  });
  // All stays in the engine: copies would count otherwise.
  await engine.keep({
    first: normals(batch, inner, side, side),
    last: normals(batch, side, side, inner),
    w: normals(out, inner, 3, 3),
  });
  const load = (tile: TileSize | undefined) => {
    const options = { padding: [1, 1, 1, 1], bands: choice?.bands ?? 1, parts: choice?.parts ?? 1 } as const;
    const program = trace((t) => {
      const x = t.input("x", tile ? [batch, side, side, inner] : [batch, inner, side, side]);
      const w = t.input("w", [out, inner, 3, 3]);
      return { y: tile ? convWinograd(x, w, { tile, ...options }) : conv2d(x, w, { padding: 1 }) };
    });
    const kept = { reads: { x: nameOf(tile), w: "w" }, writes: { y: `${size} ${tile}` } };
    return engine.load(program, { kept });
  };
  const sessions = await Promise.all(forms.map(load));
  const seconds = forms.map((): number[] => []);
  for (let sample = -1; sample < Number(values.samples); sample++) {
    for (const [i, session] of sessions.entries()) {
      const cost = await timed(() => session.run({}));
      if (sample >= 0) seconds[i]!.push(cost.seconds);
    }
  }
  await Promise.all(sessions.map((session) => session.close()));
  await engine.takeKept(["first", "last", "w", ...forms.map((tile) => `${size} ${tile}`)]);
  const [conv, two, four] = seconds.map(median) as [number, number, number];
  return [
    `${inner} → ${out}, ${side}×${side}, batch ${batch}`,
    ...[conv, two, four].map((value) => (1000 * value).toFixed(0)),
    (conv / two).toFixed(2),
    (conv / four).toFixed(2),
    choice ? `${choice.tile}×${choice.tile}` : "runtime's",
  ];
}

const rows: string[][] = [];
for (const size of values.size ?? usual) rows.push(await measure(size));
const head = ["convolution", "runtime's ms", "2×2 ms", "4×4 ms", "ratio 2×2", "ratio 4×4", "chosen"];
process.stdout.write(`${table([head, ...rows]).join("\n")}\n`);
await engine.close();
