// The noise that images grow out of: one small picture of it for all tiles.
let noise: string | undefined;

/** A CSS image of grey noise, made once. */
export function getNoise(): string {
  if (noise) return noise;
  const size = 128;
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  const context = canvas.getContext("2d");
  if (!context) return "none";
  const pixels = context.createImageData(size, size);
  for (let place = 0; place < pixels.data.length; place += 4) {
    // The sum of three even numbers is close to a normal one.
    const value = 128 + (Math.random() + Math.random() + Math.random() - 1.5) * 70;
    for (let channel = 0; channel < 3; channel++)
      pixels.data[place + channel] = value + (Math.random() - 0.5) * 44;
    pixels.data[place + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  noise = `url("${canvas.toDataURL()}")`;
  return noise;
}
