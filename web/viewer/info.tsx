// Everything that is known of an image.

import type { StoredImage } from "../api/types.js";
import { slots } from "../features.js";
import { formatBytes, formatDateTime, formatNumber, messages } from "../i18n/index.js";
import { getPlainName } from "../settings/schema.js";
import { getChoiceLabel } from "../store/models.js";

const shownAbove = ["prompt", "negativePrompt", "seed", "size", "count"];

/** A value of a request in few words. */
function show(value: unknown): string {
  if (typeof value === "number") return formatNumber(value, 4);
  if (typeof value === "boolean") return value ? messages().yes : messages().no;
  if (Array.isArray(value)) return value.map(show).join("–");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .filter(([name]) => name !== "sha256")
      .map(([name, inner]) => `${getPlainName(name)} ${show(inner)}`)
      .join(", ");
  return getChoiceLabel(String(value));
}

export function Info({ image }: { readonly image: StoredImage }) {
  const texts = messages();
  const names: Readonly<Record<string, string | undefined>> = texts.settingNames;
  const settings = Object.entries(image.request).filter(
    ([name, value]) => !shownAbove.includes(name) && value !== undefined && value !== null,
  );
  const rows: readonly (readonly [string, string])[] = [
    [texts.model, image.model],
    [texts.seed, String(image.seed)],
    [texts.size, `${image.width} × ${image.height}`],
    ...settings.map(([name, value]) => [names[name] ?? getPlainName(name), show(value)] as const),
    ...Object.entries(image.load).map(([name, value]) => [getPlainName(name), show(value)] as const),
    [texts.drawnAt, formatDateTime(image.created)],
    [texts.fileSize, formatBytes(image.bytes)],
  ];
  return (
    <aside class="info" aria-label={texts.info}>
      <h2>{texts.prompt}</h2>
      <p class="info-prompt">{image.prompt}</p>
      {image.negativePrompt && (
        <>
          <h2>{texts.negativePrompt}</h2>
          <p class="info-prompt">{image.negativePrompt}</p>
        </>
      )}
      <dl>
        {rows
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {slots.value.info.map((Slot, index) => (
        <Slot key={index} image={image} />
      ))}
    </aside>
  );
}
