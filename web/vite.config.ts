// Builds the page into dist/web: hashed names, so that a server may let browsers keep the files for ever.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = dirname(fileURLToPath(import.meta.url));

export default defineConfig({
  root: here,
  // Relative, so that the page also works behind a proxy in a folder of its own.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: join(here, "../dist/web"),
    emptyOutDir: true,
    target: ["chrome111", "firefox114", "safari16.4"],
    // light-dark() must stay as it is: rewritten for older browsers, it is decided once for the whole page, and the viewer is
    // always dark.
    cssTarget: ["chrome123", "firefox125", "safari17.5"],
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // What every part needs is one file: small ones compress badly.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: "core",
              test: /node_modules\/(preact|@preact)\/|web\/(store|parts|api|i18n\/index|features|actions\/(keys|registry)|settings\/(schema|settings))/,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": process.env.NISHIKI_SERVER ?? "http://127.0.0.1:7860" } },
});
