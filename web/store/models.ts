// Models, what can be added to them, and what the server can do.
import { computed, signal } from "@preact/signals";
import { api } from "../api/client.js";
import type { Capabilities, Catalogue, ModelInfo } from "../api/types.js";
import type { SettingsSchema } from "../settings/schema.js";
import { draft } from "./draft.js";
import { attempt } from "./notices.js";

export const capabilities = signal<Capabilities | undefined>(undefined);
export const catalogue = signal<Catalogue>({ models: [], additions: [], default: "" });
/** The settings that the chosen model takes. */
export const settingsSchema = signal<SettingsSchema | undefined>(undefined);

/** The model that draws: the chosen one, or the default if that is gone. */
export const model = computed<ModelInfo | undefined>(() => {
  const { models, default: usual } = catalogue.value;
  return (
    models.find(({ id }) => id === draft.value.model) ?? models.find(({ id }) => id === usual) ?? models[0]
  );
});

export const getModel = (id: string | null): ModelInfo | undefined =>
  catalogue.value.models.find((other) => other.id === id);

export async function loadCatalogue(): Promise<void> {
  await attempt(async () => {
    [capabilities.value, catalogue.value] = await Promise.all([api.capabilities(), api.catalogue()]);
  });
}

export async function refreshCatalogue(): Promise<void> {
  await attempt(async () => {
    catalogue.value = await api.refreshModels();
  });
}

export function putModels(models: readonly ModelInfo[]): void {
  catalogue.value = { ...catalogue.peek(), models: [...models] };
}

const schemas = new Map<string, SettingsSchema>();

/** Gets the settings of a model with what is loaded beside it, once. */
export async function loadSettings(id: string, ipAdapter?: string): Promise<void> {
  await attempt(async () => {
    const key = JSON.stringify([id, ipAdapter]);
    const schema = schemas.get(key) ?? (await api.settings(id, ipAdapter));
    schemas.set(key, schema);
    const isChosen = model.peek()?.id === id && draft.peek().load.ipAdapter === ipAdapter;
    if (isChosen) settingsSchema.value = schema;
  });
}

/** The label of a sampler or schedule, as the server has it: "dpmpp-2m" → "DPM++ 2M". */
export function getChoiceLabel(name: string): string {
  const { samplers = [], schedules = [] } = capabilities.value ?? {};
  return [...samplers, ...schedules].find((one) => one.name === name)?.label ?? name;
}
