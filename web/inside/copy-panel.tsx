// Whether the picture is a copy: of what size the model is, what training pictures lie near, and how hard the prompt pulls.
import { Figure, formatBytes, Panel, type PanelProps, Pending } from "./parts.jsx";
import { AmongPlot } from "./plot.jsx";
import type { InsideTexts } from "./texts.js";

export function CopyPanel(props: PanelProps) {
  const { explanation, texts, code } = props;
  const { files, model, pull, nearest, training } = explanation;
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  const picture = explanation.width * explanation.height * 3;
  return (
    <Panel title={texts.copy}>
      {bytes > 0 && (
        <p>
          {texts.copyWeights(formatBytes(code, bytes))}{" "}
          {training && texts.copyShare(training.images, bytes / training.images, picture)}
        </p>
      )}
      <p>{model.isEmbedded ? texts.copyEmbedded : texts.copyPublished}</p>
      {nearest ? (
        <Nearest nearest={nearest} texts={texts} image={explanation.image} />
      ) : (
        model.isEmbedded && <p class="inside-hint">{texts.nearestMissing}</p>
      )}
      <Pending panel="pull" {...props} />
      {pull && pull.ordinary.length > 0 && (
        <>
          <p>{texts.pull(pull.percentile, pull.ordinary.length)}</p>
          <AmongPlot
            value={pull.first}
            others={pull.ordinary.map((one) => ({ name: one.prompt, value: one.pull }))}
            texts={texts}
            label={texts.pullPlot}
            description={texts.pull(pull.percentile, pull.ordinary.length)}
          />
        </>
      )}
    </Panel>
  );
}

const medianOf = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function Nearest({
  nearest,
  texts,
  image,
}: {
  readonly nearest: NonNullable<PanelProps["explanation"]["nearest"]>;
  readonly texts: InsideTexts;
  readonly image: string;
}) {
  const { images, among, scenes, limit, isNearCopy, isHeldOut } = nearest;
  const [best] = images;
  const others = among.map(({ psnr }, i) => ({ name: texts.trainingPicture(i + 1), value: psnr }));
  const verdict = texts.nearestVerdict(
    best!.psnr,
    medianOf(others.map(({ value }) => value)),
    limit,
    isNearCopy,
  );
  return (
    <>
      <p>{texts.nearestText(scenes)}</p>
      {isHeldOut && <p>{texts.nearestHeldOut}</p>}
      <div class="inside-row inside-large">
        <Figure src={image} caption={texts.thisOne} />
        {images.map((one, i) => (
          <Figure key={i} src={one.image} caption={texts.nearestOne(one.caption, one.psnr)} />
        ))}
      </div>
      <p>{verdict}</p>
      <AmongPlot
        value={best!.psnr}
        others={others}
        label={texts.nearestPlot}
        description={verdict}
        texts={texts}
      />
    </>
  );
}
