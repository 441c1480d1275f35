// Builds the view that explains a picture as one script and one style sheet, which `nishiki explain` writes into its page.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = dirname(fileURLToPath(import.meta.url));

export default defineConfig({
  root: here,
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    outDir: join(here, "../dist/inside"),
    emptyOutDir: true,
    target: ["chrome111", "firefox114", "safari16.4"],
    cssCodeSplit: false,
    reportCompressedSize: false,
    lib: {
      entry: join(here, "inside/standalone.tsx"),
      formats: ["iife"],
      name: "nishikiInside",
      fileName: () => "inside.js",
      cssFileName: "inside",
    },
  },
});
