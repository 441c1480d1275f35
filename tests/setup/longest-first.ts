// The order of the test files: those that take long begin first, so that no worker is left with one when the others have
// finished. The rest follow by size.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take more than about ten seconds on two cores, the longest first. Others may be missing or gone. */
const long = [
  "tests/browser/tools.test.ts",
  "tests/evaluate.test.ts",
  "src/server/work-jobs.test.ts",
  "tests/jobs-kill.test.ts",
  "tests/cli-serve.test.ts",
  "tests/cli-generate.test.ts",
  "src/server/queue/job-queue.test.ts",
  "tests/browser/feed.test.ts",
  "tests/operations/webgpu.test.ts",
  "tests/browser/drawing.test.ts",
  "tests/openai-connections.test.ts",
  "tests/package.test.ts",
  "tests/cli-stable-diffusion.test.ts",
  "tests/openai-npm.test.ts",
  "tests/cli-terminal.test.ts",
  "src/server/node-application.test.ts",
  "tests/browser/attacks.test.ts",
  "tests/openai-replays.test.ts",
  "src/server/library/reindex.test.ts",
  "tests/server-sockets.test.ts",
  "tests/eight-bit.test.ts",
  "tests/cancel.test.ts",
  "tests/super-resolution.test.ts",
  "src/server/webui/routes.test.ts",
  "src/server/database/pglite-database.test.ts",
  "tests/server-fuzz.test.ts",
  "src/server/webui/hostile.test.ts",
  "src/server/openai/hostile.test.ts",
  "src/tokenizer/clip-tokenizer.test.ts",
  "tests/cli-errors.test.ts",
  "tests/lora.test.ts",
  "tests/data-build.test.ts",
  "tests/fuzz.test.ts",
  "src/server/library/library.test.ts",
  "src/models/conditional-unet.test.ts",
  "tests/receipts.test.ts",
  "tests/masks.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = long.findIndex((name) => moduleId.endsWith(`/${name}`));
      return place === -1 ? long.length : place;
    };
    const bySize = await super.sort(files);
    return bySize.sort((a, b) => rank(a) - rank(b));
  }
}
