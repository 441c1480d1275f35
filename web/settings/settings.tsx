// The settings of the chosen model, generated from its schema.
import { useComputed } from "@preact/signals";
import { useId } from "preact/hooks";
import { slots } from "../features.js";
import { formatNumber, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { IconButton } from "../parts/icon-button.jsx";
import { changeDraft, draft, setSetting } from "../store/draft.js";
import { capabilities, getChoiceLabel, settingsSchema } from "../store/models.js";
import { changeAt, type Field, getAt, getFields, getPlainName, getSliderRange } from "./schema.js";

/** The name of a setting in the page's language, or made from its name in the request. */
function getTitle(path: readonly string[]): string {
  const names: Readonly<Record<string, string | undefined>> = messages().settingNames;
  return names[path.join(".")] ?? names[path.at(-1)!] ?? getPlainName(path.at(-1)!);
}

function getHelp(field: Field): string {
  const helps: Readonly<Record<string, string | undefined>> = messages().settingHelps;
  const text = helps[field.path.join(".")] ?? field.description;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function change(path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  setSetting(name!, changeAt(draft.peek().settings[name!], rest, value));
}

export default function Settings() {
  const fields = useComputed(() => {
    const { samplers = [], schedules = [] } = capabilities.value ?? {};
    const sampler = samplers.map(({ name }) => name);
    const names = { sampler, upscaleSampler: sampler, schedule: schedules.map(({ name }) => name) };
    return settingsSchema.value ? getFields(settingsSchema.value, names) : [];
  });
  const texts = messages();
  const isChanged = fields.value.some(({ path }) => getAt(draft.value.settings, path) !== undefined);
  return (
    <div class="settings">
      {fields.value.filter(isUseful).map((field) => (
        <FieldView key={field.path.join(".")} field={field} />
      ))}
      {slots.value.settings.map((Slot, index) => (
        <Slot key={index} />
      ))}
      {isChanged && (
        <button type="button" class="button quiet" onClick={reset}>
          <Icon name="undo" />
          {texts.resetSettings}
        </button>
      )}
    </div>
  );
}

/** Without pictures, there is nothing that the settings of image prompts could change. */
const isUseful = ({ path }: Field) =>
  path[0] !== "imagePrompt" || draft.value.settings.imagePrompt !== undefined;

function reset(): void {
  const { size, init, inpaint, styleReference, layoutReference, ...others } = draft.peek().settings;
  const { images, weights } = (others.imagePrompt ?? {}) as { images?: unknown; weights?: unknown };
  const imagePrompt =
    images === undefined ? undefined : { images, ...(weights !== undefined && { weights }) };
  const pictures = { imagePrompt, styleReference, layoutReference };
  const kept = Object.entries({ size, init, inpaint, ...pictures }).filter(
    ([, value]) => value !== undefined,
  );
  changeDraft({ settings: Object.fromEntries(kept) });
}

function FieldView({ field }: { readonly field: Field }) {
  if (field.kind === "group")
    return (
      <fieldset class="field-group">
        <legend>{getTitle(field.path)}</legend>
        {field.fields.map((inner) => (
          <FieldView key={inner.path.join(".")} field={inner} />
        ))}
      </fieldset>
    );
  return <SingleField field={field} />;
}

function SingleField({ field }: { readonly field: Exclude<Field, { kind: "group" }> }) {
  const id = useId();
  const value = getAt(draft.value.settings, field.path);
  const isSet = value !== undefined;
  const title = getTitle(field.path);
  const help = getHelp(field);
  return (
    <div class={`field ${field.kind}${isSet ? " is-set" : ""}`} title={help}>
      <span class="field-label">
        <label for={id}>{title}</label>
        {isSet && (
          <IconButton
            icon="undo"
            label={messages().resetSetting(title)}
            onClick={() => change(field.path, undefined)}
          />
        )}
      </span>
      <Control field={field} id={id} value={value} />
    </div>
  );
}

interface ControlProps {
  readonly field: Exclude<Field, { kind: "group" }>;
  readonly id: string;
  readonly value: unknown;
}

const showDefault = (value: unknown) =>
  typeof value === "number"
    ? formatNumber(value, 3)
    : Array.isArray(value)
      ? value.join("–")
      : String(value ?? "");

function Control({ field, id, value }: ControlProps) {
  const texts = messages();
  if (field.kind === "switch")
    return (
      <input
        id={id}
        type="checkbox"
        role="switch"
        checked={(value ?? field.initial ?? false) === true}
        onChange={(event) => change(field.path, event.currentTarget.checked)}
      />
    );
  if (field.kind === "choice")
    return (
      <select
        id={id}
        value={String(value ?? "")}
        onChange={({ currentTarget }) => change(field.path, currentTarget.value || undefined)}
      >
        <option value="">{texts.usual(getChoiceLabel(showDefault(field.initial)))}</option>
        {field.choices.map((name) => (
          <option key={name} value={name}>
            {getChoiceLabel(name)}
          </option>
        ))}
      </select>
    );
  if (field.kind === "number") return <NumberControl field={field} id={id} value={value} />;
  return (
    <input
      id={id}
      type="text"
      value={Array.isArray(value) ? value.join(", ") : String(value ?? "")}
      placeholder={showDefault(field.initial) || (field.kind === "pair" ? "0–1" : "")}
      onChange={({ currentTarget }) => change(field.path, currentTarget.value.trim() || undefined)}
    />
  );
}

function NumberControl({
  field,
  id,
  value,
}: ControlProps & { readonly field: Extract<Field, { kind: "number" }> }) {
  const { least, most, step, initial } = field;
  const set = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const number = currentTarget.valueAsNumber;
    if (Number.isNaN(number)) change(field.path, undefined);
    else if (currentTarget.validity.valid) change(field.path, number);
  };
  const range = getSliderRange(field);
  return (
    <>
      {range && (
        <input
          type="range"
          tabIndex={-1}
          aria-hidden="true"
          min={range[0]}
          max={range[1]}
          step={step}
          value={Number(value ?? initial ?? range[0])}
          onInput={set}
        />
      )}
      <input
        id={id}
        type="number"
        inputMode={field.isWhole ? "numeric" : "decimal"}
        min={least}
        max={most}
        step={field.isWhole ? step : "any"}
        value={value === undefined ? "" : Number(value)}
        placeholder={showDefault(initial) || "–"}
        onInput={set}
      />
    </>
  );
}
