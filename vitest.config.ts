import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { workersFromSource } from "./tests/setup/workers.js";

export default defineConfig({
  plugins: [workersFromSource()],
  test: {
    globalSetup: ["tests/setup/build.ts"],
    include: ["src/**/*.test.ts", "tests/**/*.test.ts", "web/**/*.test.ts"],
    // Every test file that opens a session starts its own engine thread: more forks than cores only adds memory.
    maxWorkers: 2,
    // What tests learn about this machine's speed is not for its users.
    env: { NISHIKI_CACHE: join(tmpdir(), "nishiki-test-cache") },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
