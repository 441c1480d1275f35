// JSON that other programs leave in images: read leniently, never trusted.

/** An object of JSON with whatever in it. */
export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Integers that a number of JavaScript cannot hold, such as seeds of 64 bits, become strings of the same digits. */
function keepLongIntegers(text: string): string {
  return text.replace(/"(?:\\.|[^"\\])*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
  );
}

/** The object that a text is as JSON, or undefined. Integers beyond 2^53 come as strings. */
export function parseObject(text: string | undefined): Json | undefined {
  if (text === undefined || !/^\s*\{/.test(text)) return undefined;
  // ComfyUI writes a bare NaN now and then, which is no JSON: only where the text cannot be read otherwise.
  const repaired = () => text.replace(/(?<=[:[,]\s*)NaN(?=\s*[,\]}])/g, "null");
  for (const candidate of [() => text, repaired]) {
    try {
      const value: unknown = JSON.parse(keepLongIntegers(candidate()));
      return isObject(value) ? value : undefined;
    } catch {}
  }
  return undefined;
}

/** Fields by our reader's names, of those that are there. */
export function pickFields(from: Json, names: Readonly<Record<string, string>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [theirs, ours] of Object.entries(names)) {
    const value = from[theirs];
    if (typeof value === "string" || typeof value === "number") fields[ours] = String(value);
  }
  return fields;
}

/** A size as "512x768", where both sides are numbers. */
export function sizeField({ width, height }: Json): Record<string, string> {
  return typeof width === "number" && typeof height === "number" ? { Size: `${width}x${height}` } : {};
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** LoRAs of a list, as the property of what a reader returns; none where there is no list or nothing in it. */
export function listLoras(
  list: unknown,
  read: (item: Json) => readonly [name: unknown, weight: unknown],
): { readonly loras?: readonly { readonly name: string; readonly weight: number }[] } {
  const items = Array.isArray(list) ? list.filter(isObject) : [];
  const loras = items.slice(0, 100).flatMap((item) => {
    const [name, weight] = read(item);
    if (typeof name !== "string" || name === "") return [];
    return [{ name, weight: typeof weight === "number" ? weight : 1 }];
  });
  return loras.length > 0 ? { loras } : {};
}
