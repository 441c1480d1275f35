// The context passed to everything that loads or computes: cancellation, progress and the session pool.
import type { Watch } from "./cancel.js";
import type { Probe } from "./probe.js";
import type { SessionPool } from "./session-pool.js";

export interface Runtime extends Watch {
  /** A session pool to share between models. Without it, each model has a separate pool. */
  readonly sessions?: SessionPool;
  /** Looks inside while it draws. Without one, nothing is computed for it. */
  readonly probe?: Probe;
}
