import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tests/setup/longest-first.js";
import { workersFromSource } from "./tests/setup/workers.js";

/** Files that need a process of their own: they prepare it before the runtime is loaded. */
const alone = ["tests/operations/webgpu.test.ts"];

export default defineConfig({
  plugins: [workersFromSource()],
  test: {
    // Every test file that opens a session starts its own engine thread: more forks than cores only adds memory.
    maxWorkers: 2,
    // What tests learn about this machine's speed is not for its users.
    env: { NISHIKI_CACHE: join(tmpdir(), "nishiki-test-cache") },
    // A machine may have other work: what hangs is found all the same.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: ["src/**/*.test.ts", "tests/**/*.test.ts", "web/**/*.test.ts"],
          exclude: alone,
          globalSetup: ["tests/setup/build.ts"],
          // Files share their process, and so its modules: loading those for every file costs a quarter of the time.
          isolate: false,
        },
      },
      { extends: true, test: { name: "alone", include: alone } },
    ],
  },
});
