// Builds sprites and kills itself in the middle, as a power cut would: node build-child.mjs FOLDER SIZE DRAWING.
import { buildSprites } from "../../dist/data/index.js";

const [output, size, drawing] = process.argv.slice(2);
await buildSprites({
  output,
  things: ["cat", "comb"],
  sets: ["3d", "flat"],
  size: Number(size),
  onProgress: (done) => {
    if (done === Number(drawing)) process.kill(process.pid, "SIGKILL");
  },
});
