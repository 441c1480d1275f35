// The few texts of XMP data that programs write settings into: ISO 16684-1:2019, "XMP specification, part 1", section 7. Only
// what is looked for is read, so no XML library is needed, and what is damaged gives nothing.

/** The keyword of XMP data among a PNG's texts (PNG specification, section 11.3.3.4). */
export const xmpKeyword = "XML:com.adobe.xmp";

/** Properties, and the names under which their texts are known elsewhere. */
const properties: Readonly<Record<string, string>> = {
  "xmp:CreatorTool": "CreatorTool",
  "exif:UserComment": "UserComment",
};

const MAX_XMP_CHARACTERS = 2 ** 22;

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi,
    (all, hex, decimal, name) => {
      if (name !== undefined) return entities[(name as string).toLowerCase()]!;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex as string, 16);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}

/** The text of a property: an attribute, an element, or the first item of its list of languages. */
function readProperty(xmp: string, property: string): string | undefined {
  const attribute = new RegExp(`\\s${property}\\s{0,9}=\\s{0,9}(["'])`).exec(xmp);
  if (attribute) {
    const from = attribute.index + attribute[0].length;
    const to = xmp.indexOf(attribute[1]!, from);
    return to < 0 ? undefined : decodeEntities(xmp.slice(from, to));
  }
  const start = xmp.indexOf(`<${property}`);
  const end = start < 0 ? -1 : xmp.indexOf(`</${property}>`, start);
  if (end < 0) return undefined;
  const content = xmp.slice(xmp.indexOf(">", start) + 1, end);
  const item = content.indexOf("<rdf:li");
  if (item < 0) return decodeEntities(content);
  const itemEnd = content.indexOf("</rdf:li>", item);
  return itemEnd < 0 ? undefined : decodeEntities(content.slice(content.indexOf(">", item) + 1, itemEnd));
}

/** The texts of XMP data, by the names that `readProvenance` knows. */
export function readXmpTexts(xmp: string): Record<string, string> {
  if (xmp.length > MAX_XMP_CHARACTERS) return {};
  const texts: Record<string, string> = {};
  for (const [property, name] of Object.entries(properties)) {
    const text = readProperty(xmp, property);
    if (text !== undefined) texts[name] = text;
  }
  return texts;
}
