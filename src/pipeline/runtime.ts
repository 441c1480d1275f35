// What work needs from outside, in one object that is given to everything that loads or computes.
import type { Watch } from "./cancel.js";
import type { SessionPool } from "./session-pool.js";

export interface Runtime extends Watch {
  /** Holds the networks of all models that are opened with it. Without one, each model has a pool of its own. */
  readonly sessions?: SessionPool;
}
