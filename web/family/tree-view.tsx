// The family tree in the viewer's panel: what a picture was made from, and what was made from it.
import { useEffect, useState } from "preact/hooks";
import { api, thumbnailUrl } from "../api/client.js";
import type { StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { feedTotal, keepImage, peekImage } from "../store/images.js";
import { viewed } from "../store/ui.js";
import "./family.css";
import { collectFamily, makeTree, type TreeNode } from "./tree.js";

const relations = {
  async image(id: string): Promise<StoredImage | undefined> {
    return peekImage(id) ?? (await api.image(id).catch(() => undefined));
  },
  async childrenOf(id: string): Promise<readonly StoredImage[]> {
    return (await api.images({ parent: id }, undefined, 100)).images;
  },
};

interface Family {
  readonly trees: readonly TreeNode<StoredImage>[];
  readonly isComplete: boolean;
}

export default function FamilyTree({ image }: { readonly image: StoredImage }) {
  const texts = messages();
  const [family, setFamily] = useState<Family>();
  useEffect(() => {
    let isWanted = true;
    collectFamily(image, relations).then(
      ({ images, isComplete }) => {
        images.forEach(keepImage);
        if (isWanted) setFamily({ trees: makeTree(images), isComplete });
      },
      // Without the tree the panel still shows everything else.
      () => undefined,
    );
    return () => {
      isWanted = false;
    };
  }, [image.id, feedTotal.value]);
  const hasRelatives =
    family?.trees.some(({ children }) => children.length > 0) || (family?.trees.length ?? 0) > 1;
  if (!hasRelatives) return null;
  return (
    <section class="family" aria-label={texts.familyTree}>
      <h3>{texts.familyTree}</h3>
      <Branch nodes={family!.trees} current={image.id} />
      {!family!.isComplete && <p class="hint">{texts.familyIsLarger}</p>}
    </section>
  );
}

function Branch({
  nodes,
  current,
}: {
  readonly nodes: readonly TreeNode<StoredImage>[];
  readonly current: string;
}) {
  const texts = messages();
  return (
    <ul>
      {nodes.map(({ image, children }) => {
        const action = image.parent ? texts.parentActions[image.parent.action] : texts.firstPicture;
        return (
          <li key={image.id}>
            <button
              type="button"
              class="relative"
              aria-current={image.id === current ? "true" : undefined}
              aria-label={`${action}: ${image.prompt}`}
              title={image.prompt}
              onClick={() => {
                viewed.value = image.id;
              }}
            >
              <img
                src={thumbnailUrl(image.id)}
                alt=""
                loading="lazy"
                style={{ backgroundColor: image.colour }}
              />
              <span>{action}</span>
            </button>
            {children.length > 0 && <Branch nodes={children} current={current} />}
          </li>
        );
      })}
    </ul>
  );
}
