// A key combination, as its keys are labelled.
import { getKeyLabels } from "../actions/keys.js";

export function Keys({ of }: { readonly of: string }) {
  return (
    <span class="keys" aria-hidden="true">
      {getKeyLabels(of).map((label) => (
        <kbd key={label}>{label}</kbd>
      ))}
    </span>
  );
}
