// The seed: random for each job, or locked, and one more or one less.
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { changeDraft, draft, lastSeed } from "../store/draft.js";

const mostSeed = 2 ** 32 - 1;
const drawSeed = () => crypto.getRandomValues(new Uint32Array(1))[0]!;

export function SeedChip() {
  const { seed } = draft.value;
  const texts = messages();
  if (seed === null)
    return (
      <button
        type="button"
        class="chip"
        aria-pressed="false"
        title={texts.lockSeedTitle}
        onClick={() => changeDraft({ seed: lastSeed.peek() ?? drawSeed() })}
      >
        <Icon name="dice" />
        {texts.randomSeed}
      </button>
    );
  const set = (value: number) => {
    if (Number.isSafeInteger(value) && value >= 0) changeDraft({ seed: value });
  };
  return (
    <span class="chip stepper seed">
      <button
        type="button"
        aria-pressed="true"
        aria-label={texts.unlockSeed}
        title={texts.unlockSeed}
        onClick={() => changeDraft({ seed: null })}
      >
        <Icon name="lock" />
      </button>
      <button type="button" aria-label={texts.seedDown} disabled={seed === 0} onClick={() => set(seed - 1)}>
        <Icon name="minus" />
      </button>
      <input
        type="text"
        inputMode="numeric"
        pattern="[0-9]*"
        aria-label={texts.seed}
        title={texts.seed}
        size={Math.max(4, String(seed).length)}
        value={seed}
        onChange={({ currentTarget }) => {
          set(Number(currentTarget.value));
          currentTarget.value = String(draft.peek().seed);
        }}
      />
      <button
        type="button"
        aria-label={texts.seedUp}
        disabled={seed >= Number.MAX_SAFE_INTEGER}
        onClick={() => set(seed + 1)}
      >
        <Icon name="plus" />
      </button>
    </span>
  );
}

/** A new random seed that stays; for the palette. */
export const lockRandomSeed = () => changeDraft({ seed: drawSeed() % (mostSeed + 1) });
