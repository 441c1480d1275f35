// The token of a server that is open to other machines: from the link that the server printed, or asked for.
import { signal } from "@preact/signals";
import { ApiError, api } from "../api/client.js";

/** Whether the server asks for its token before anything else. */
export const needsToken = signal(false);

/** Exchanges a token for a cookie. @throws ApiError 401 for a wrong one */
export async function signIn(token: string): Promise<void> {
  await api.signIn(token);
  needsToken.value = false;
}

/** Takes the token out of the address (#token=…), where it would stay in the history, and tries the server's door. */
export async function startSession(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname + location.search);
  try {
    if (token !== null) await signIn(token);
    else await api.capabilities();
  } catch (error) {
    // Whatever else is wrong shows itself in its place.
    needsToken.value = error instanceof ApiError && error.status === 401;
  }
}
