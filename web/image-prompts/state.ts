// Pictures that say what to draw: image prompts, and pictures whose style or layout is taken. They are in the draft as in a
// request, by the ids of uploads.
import { api } from "../api/client.js";
import { draft, setSetting } from "../store/draft.js";
import { settingsSchema } from "../store/models.js";
import { attempt } from "../store/notices.js";
import { type Pictures, withoutPicture, withPicture, withWeight } from "./pictures.js";

export const groups = ["imagePrompt", "styleReference", "layoutReference"] as const;
export type Group = (typeof groups)[number];

export const getPictures = (group: Group): Pictures =>
  (draft.value.settings[group] as Pictures | undefined) ?? { images: [] };

/** The groups that the chosen model takes. */
export const getGroups = (): readonly Group[] =>
  groups.filter((group) => group in (settingsSchema.value?.properties ?? {}));

/** Uploads pictures and adds them to a group. */
export async function addPictures(group: Group, files: readonly Blob[]): Promise<void> {
  await attempt(async () => {
    for (const file of files) {
      const { id } = await api.upload(file);
      setSetting(group, withPicture(getPictures(group), id));
    }
  });
}

export const setWeight = (group: Group, index: number, weight: number) =>
  setSetting(group, withWeight(getPictures(group), index, weight));

export const removePicture = (group: Group, index: number) =>
  setSetting(group, withoutPicture(getPictures(group), index));
