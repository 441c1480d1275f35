// The page before the page: asks for the server's token.
import { useSignal } from "@preact/signals";
import { messages } from "./i18n/index.js";
import { signIn } from "./store/session.js";

export function SignIn({ onDone }: { readonly onDone: () => void }) {
  const texts = messages();
  const token = useSignal("");
  const trouble = useSignal("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await signIn(token.value.trim());
      onDone();
    } catch (error) {
      trouble.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <img src="./icon.svg" alt="" width="48" height="48" />
        <h1>Nishiki</h1>
        <label for="token">{texts.tokenNeeded}</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          autofocus
          required
          aria-describedby="token-trouble"
          value={token.value}
          onInput={({ currentTarget }) => {
            token.value = currentTarget.value;
          }}
        />
        <p id="token-trouble" class="warning" role="alert">
          {trouble.value}
        </p>
        <button type="submit" class="button draw">
          {texts.signIn}
        </button>
      </form>
    </main>
  );
}
