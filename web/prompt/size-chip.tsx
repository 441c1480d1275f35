// The size: buttons for shapes, both sides as numbers, swap and lock.
import { useSignal } from "@preact/signals";
import { readSize } from "../feed/blocks.js";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { IconButton } from "../parts/icon-button.jsx";
import { Popover } from "../parts/popover.jsx";
import { draft, setSetting } from "../store/draft.js";
import { model } from "../store/models.js";
import { fitSide, getShapes, keepShape, type ModelSizes, readModelSizes, type Size } from "./sizes.js";

const format = ({ width, height }: Size) => `${width}x${height}`;

export function SizeChip() {
  const sizes = readModelSizes(model.value?.sizes);
  if (!sizes) return null;
  const size = readSize(draft.value.settings.size) ?? sizes.usual;
  return (
    <Popover
      name={messages().sizeIs(size.width, size.height)}
      label={
        <>
          <ShapeIcon size={size} />
          {size.width} × {size.height}
        </>
      }
    >
      {() => <SizePanel sizes={sizes} size={size} />}
    </Popover>
  );
}

/** A small rectangle of the size's shape. */
function ShapeIcon({ size: { width, height } }: { readonly size: Size }) {
  const scale = 13 / Math.max(width, height);
  const across = Math.max(4, width * scale);
  const down = Math.max(4, height * scale);
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <rect x={10 - across / 2} y={10 - down / 2} width={across} height={down} rx="1.5" />
    </svg>
  );
}

function SizePanel({ sizes, size }: { readonly sizes: ModelSizes; readonly size: Size }) {
  const texts = messages();
  const isLocked = useSignal(false);
  const set = (next: Size) =>
    setSetting("size", format(next) === format(sizes.usual) ? undefined : format(next));
  const setSide = (side: "width" | "height", value: number) => {
    if (Number.isNaN(value)) return;
    set(isLocked.value ? keepShape(value, size, side, sizes) : { ...size, [side]: fitSide(value, sizes) });
  };
  return (
    <div class="size-panel">
      <div class="shapes" role="radiogroup" aria-label={texts.size}>
        {getShapes(sizes).map((shape) => (
          <button
            key={`${shape.ratio}${format(shape)}`}
            type="button"
            role="radio"
            aria-checked={format(shape) === format(size)}
            class="shape"
            onClick={() => set(shape)}
          >
            <ShapeIcon size={shape} />
            <span>{shape.ratio || `${shape.width}`}</span>
          </button>
        ))}
      </div>
      {sizes.range && (
        <div class="sides">
          {(["width", "height"] as const).map((side) => (
            <label key={side}>
              {texts[side]}
              <input
                type="number"
                inputMode="numeric"
                min={sizes.range!.least}
                max={sizes.range!.most}
                step={sizes.range!.step}
                value={size[side]}
                onChange={({ currentTarget }) => setSide(side, currentTarget.valueAsNumber)}
              />
            </label>
          ))}
          <IconButton
            icon="swap"
            label={texts.swapSides}
            onClick={() => set({ width: size.height, height: size.width })}
          />
          <button
            type="button"
            class="icon-button"
            aria-pressed={isLocked.value}
            aria-label={texts.lockShape}
            title={texts.lockShape}
            onClick={() => {
              isLocked.value = !isLocked.value;
            }}
          >
            <Icon name={isLocked.value ? "lock" : "unlock"} />
          </button>
        </div>
      )}
    </div>
  );
}
