import { defineConfig } from "vitest/config";
import { workersFromSource } from "./tests/setup/workers.js";

export default defineConfig({
  plugins: [workersFromSource()],
  test: {
    globalSetup: ["tests/setup/build.ts"],
    include: ["src/**/*.test.ts", "tests/**/*.test.ts", "web/**/*.test.ts"],
    // Every test file that opens a session starts its own engine thread: more forks than cores only adds memory.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
