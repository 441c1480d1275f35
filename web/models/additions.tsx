// Below the prompt: LoRAs with their weights, and textual inversions, where the model takes them.

import type { Addition, JobLoad } from "../api/types.js";
import { formatNumber, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { Popover } from "../parts/popover.js";
import { changeDraft, draft } from "../store/draft.js";
import { catalogue, model } from "../store/models.js";
import "./models.css";

/** Changes what is loaded beside the model. Empty lists are left out. */
function changeLoad(changes: Partial<JobLoad>): void {
  const load = { ...draft.peek().load, ...changes };
  const kept = Object.entries(load).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  changeDraft({ load: Object.fromEntries(kept) });
}

const lorasOf = () => draft.value.load.loras ?? [];
const embeddingsOf = () => draft.value.load.embeddings ?? [];

function setWeight(id: string, weight: number | undefined): void {
  const others = (draft.peek().load.loras ?? []).filter((lora) => lora.id !== id);
  changeLoad({ loras: weight === undefined ? others : [...others, { id, weight }] });
}

/** Words that call an addition are put at the end of the prompt, if they are not in it. */
function addWords(words: readonly string[]): void {
  const { prompt } = draft.peek();
  const [word] = words;
  if (word === undefined || words.some((one) => prompt.toLowerCase().includes(one.toLowerCase()))) return;
  changeDraft({ prompt: prompt.trim() === "" ? word : `${prompt.trimEnd()}, ${word}` });
}

export function AdditionChips() {
  const texts = messages();
  const takes = model.value?.loadOptions ?? [];
  const { additions } = catalogue.value;
  const usable = additions.filter(({ kind }) => ["lora", "embedding"].includes(kind) && takes.includes(kind));
  const nameOf = (id: string) => additions.find((addition) => addition.id === id)?.name ?? id;
  const chosen = [...lorasOf().map(({ id }) => id), ...embeddingsOf()];
  if (usable.length === 0 && chosen.length === 0) return null;
  return (
    <div class="chips additions" role="group" aria-label={texts.additions}>
      {lorasOf().map(({ id, weight = 1 }) => (
        <span key={id} class="chip lora">
          <span class="ellipsis" title={nameOf(id)}>
            {nameOf(id)}
          </span>
          <input
            type="range"
            min={-1}
            max={2}
            step={0.05}
            value={weight}
            aria-label={texts.weightOf(nameOf(id))}
            onInput={({ currentTarget }) => setWeight(id, Number(currentTarget.value))}
          />
          <output>{formatNumber(weight, 2)}</output>
          <Remove name={nameOf(id)} onClick={() => setWeight(id, undefined)} />
        </span>
      ))}
      {embeddingsOf().map((id) => (
        <span key={id} class="chip">
          {nameOf(id)}
          <Remove
            name={nameOf(id)}
            onClick={() => changeLoad({ embeddings: embeddingsOf().filter((one) => one !== id) })}
          />
        </span>
      ))}
      {usable.length > 0 && (
        <Popover
          class="chip quiet"
          panelClass="list"
          label={
            <>
              <Icon name="plus" />
              {texts.addLora}
            </>
          }
        >
          {(close) => <Choice list={usable.filter(({ id }) => !chosen.includes(id))} close={close} />}
        </Popover>
      )}
    </div>
  );
}

const Remove = ({ name, onClick }: { readonly name: string; readonly onClick: () => void }) => (
  <button
    type="button"
    class="icon-button small"
    aria-label={messages().removeNamed(name)}
    title={messages().removeNamed(name)}
    onClick={onClick}
  >
    <Icon name="close" />
  </button>
);

function Choice({ list, close }: { readonly list: readonly Addition[]; readonly close: () => void }) {
  const texts = messages();
  const choose = ({ kind, id, name, words }: Addition) => {
    if (kind === "lora") {
      setWeight(id, 1);
      addWords(words);
    } else {
      changeLoad({ embeddings: [...(draft.peek().load.embeddings ?? []), id] });
      addWords(words.length > 0 ? words : [name]);
    }
    close();
  };
  if (list.length === 0) return <p class="hint">{texts.allAreChosen}</p>;
  return (
    <>
      {list.map((addition) => (
        <button
          key={`${addition.kind} ${addition.id}`}
          type="button"
          class="row"
          onClick={() => choose(addition)}
        >
          <span class="model-name">
            <span>{addition.name}</span>
            <span class="muted">
              {[texts.additionKinds[addition.kind], addition.family, addition.words.slice(0, 3).join(", ")]
                .filter(Boolean)
                .join(" · ")}
            </span>
          </span>
        </button>
      ))}
    </>
  );
}

/** Another autoencoder and the precision of the numbers: in the settings, because they are chosen once. */
export function LoadSettings() {
  const texts = messages();
  const takes = model.value?.loadOptions ?? [];
  const { load } = draft.value;
  const vaes = catalogue.value.additions.filter(({ kind }) => kind === "vae");
  const adapters = catalogue.value.additions.filter(({ kind }) => kind === "ipAdapter");
  return (
    <>
      {takes.includes("vae") && vaes.length > 0 && (
        <label class="field choice">
          <span>{texts.vae}</span>
          <select
            value={load.vae ?? ""}
            onChange={({ currentTarget }) => changeLoad({ vae: currentTarget.value || undefined })}
          >
            <option value="">{texts.usual("")}</option>
            {vaes.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {takes.includes("ipAdapter") && adapters.length > 0 && (
        <label class="field choice">
          <span>{texts.ipAdapter}</span>
          <select
            value={load.ipAdapter ?? ""}
            onChange={({ currentTarget }) => changeLoad({ ipAdapter: currentTarget.value || undefined })}
          >
            <option value="">{texts.noIpAdapter}</option>
            {adapters.map(({ id, name, family }) => (
              <option key={id} value={id}>
                {[name, family].filter(Boolean).join(" · ")}
              </option>
            ))}
          </select>
        </label>
      )}
      {takes.includes("precision") && (
        <label class="field choice">
          <span>{texts.precision}</span>
          <select
            value={load.precision ?? ""}
            onChange={({ currentTarget }) =>
              changeLoad({ precision: (currentTarget.value || undefined) as JobLoad["precision"] })
            }
          >
            <option value="">{texts.usual("")}</option>
            <option value="float32">float32</option>
            <option value="int8">{texts.int8}</option>
          </select>
        </label>
      )}
    </>
  );
}
