// WebGPU on machines without a GPU: Chromium's packages carry a software Vulkan driver (SwiftShader).
// Must be called before the process loads ONNX Runtime's WebGPU provider, so in a test file of its own.
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { makeEngine } from "../../src/engine/node.js";
import { add, trace } from "../../src/graph/index.js";

const folders = [
  "/usr/lib/chromium",
  "/usr/lib/chromium-browser",
  "/usr/lib64/chromium-browser",
  "/opt/google/chrome",
  "/opt/chromium.org/chromium",
];

/** Keeps a library loaded after the loader has found that it is no addon of Node's (RTLD_NODELETE of glibc and musl). */
const keepLoaded = 0x1000;

function useSoftwareDriver(): void {
  if (process.platform !== "linux") return;
  process.env.VK_DRIVER_FILES ??= folders
    .map((folder) => join(folder, "vk_swiftshader_icd.json"))
    .find((file) => existsSync(file));
  const driver = process.env.VK_DRIVER_FILES;
  const loader = driver && join(dirname(driver), "libvulkan.so.1");
  if (!loader || !existsSync(loader)) return;
  // The runtime asks the system for "libvulkan.so.1": where none is installed it finds the one that is loaded already.
  try {
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | keepLoaded);
  } catch {
    // Always: the loader is no addon.
  }
}

/** Makes WebGPU usable. Returns why it is not, printed too, or undefined where it is. */
export async function prepareWebgpu(): Promise<string | undefined> {
  useSoftwareDriver();
  const engine = makeEngine({ device: "webgpu" });
  try {
    const program = trace((t) => ({ y: add(t.input("x", [1]), 1) }));
    const session = await engine.load(program);
    await session.run({ x: { dtype: "f32", shape: [1], data: new Float32Array([1]) } });
    return undefined;
  } catch (error) {
    const driver = process.env.VK_DRIVER_FILES ?? `none in ${folders.join(", ")}`;
    const reason = `WebGPU tests are skipped (Vulkan driver: ${driver}): ${(error as Error).message}`;
    console.warn(reason);
    return reason;
  } finally {
    await engine.close();
  }
}
