// The texts of the view that explains a picture, in German.
import { number, percent } from "./numbers.js";
import type { InsideTexts } from "./texts-en.js";

export const de: InsideTexts = {
  title: "Im Innern dieses Bildes",
  lead: (prompt) => `Was zwischen „${prompt}“ und dem Bild geschah.`,
  step: (step, steps) => `Schritt ${step} von ${steps}`,
  stepHelp: "Was das Modell zeichnen würde, müsste es hier aufhören. Ziehen, oder mit den Pfeiltasten.",
  play: "Schritte abspielen",
  pause: "Anhalten",
  film: "Als Film sichern",
  place: "Stelle im Bild: mit den Pfeiltasten bewegen, um die Wörter dort zu hören",
  placeAt: (x, y, words) => `${percent("de", x)} von links, ${percent("de", y)} von oben: ${words}`,
  pending: "Wird gezeichnet …",
  words: "Wörter",
  wordsHelp:
    "Zeigen Sie auf ein Wort, um zu sehen, wohin es ging, oder auf das Bild, um die Wörter dort zu sehen.",
  atPlace: "An dieser Stelle",
  asText: (word, share) => `${word}: ${percent("de", share, 1)} der Aufmerksamkeit`,
  negativeWords:
    "Auch der negative Prompt hat Karten: Die hellen Teile fragten nach dem, was nicht da sein soll.",
  where: "Wohin ging jedes Wort?",
  whereText:
    "Jeder Teil des Bildes fragt, welche Wörter ihn angehen. Die hellen Teile einer Karte fragten nach diesem Wort, summiert über alle Schritte und Schichten.",
  regionsText:
    "Dieses Modell teilt das Bild außerdem in Bereiche, von denen jeder den Prompt für sich liest und nach seinem eigenen Mittel der Wörter zeichnet. In jedem Bereich steht das Wort, das er am meisten las.",
  whereLeftOut:
    "Die schärfste Probe ist, ein Wort wegzulassen: gleicher Startwert, gleiche Einstellungen, ein Wort weniger. Was sich dann ändert, hat das Wort getan.",
  without: (word) => `ohne „${word}“`,
  changed: (word) => `von „${word}“ verändert`,
  agreement: (value) =>
    `Übereinstimmung von Karte und Änderung: ${number("de", value, 2)} (1 ist vollkommen, 0 ist Zufall)`,
  average: "Ist es eines davon oder ein Mittel aus allen?",
  averageText: (first, drawing) =>
    `Die erste Vorhersage, aus reinem Rauschen gemacht, kann nur ein Mittel sein: Noch sagt nichts, welches Bild es wird. Sie ist ${number("de", first, 1)} dB vom Mittel aller Startwerte unten entfernt. Das fertige Bild, eines von vielen möglichen, ist ${number("de", drawing, 1)} dB von diesem Mittel entfernt. (Mehr Dezibel heißt ähnlicher.)`,
  alike:
    "Bei diesem Prompt zeichnet das Modell mit jedem Startwert fast dasselbe Bild; darum liegt auch sein Bild nahe am Mittel: Es kennt nur wenige Arten, das zu zeichnen.",
  firstStep: "erste Vorhersage",
  meanOfSeeds: (count) => `Mittel aus ${count} Startwerten`,
  seedSteps: (steps, own) =>
    `Damit es schnell geht, sind die anderen Startwerte mit ${steps} Schritten gezeichnet, dieses Bild mit ${own}.`,
  diversity: (value) =>
    `In den Merkmalen eines Klassifikators liegen zwei dieser Bilder ${number("de", value, 2)} auseinander (Mittel).`,
  diversityUsual: (drawings, scenes) =>
    `Zum Vergleich: Gewöhnlich liegen zwei Bilder zu einem Prompt ${number("de", drawings, 2)} auseinander und zwei zu einem Text zusammengesetzte Bilder, wie das Training sie hat, ${number("de", scenes, 2)}.`,
  diversityHere: (scenes) =>
    `Trainingsbilder zu genau diesem Text liegen ${number("de", scenes, 2)} auseinander.`,
  thisOne: "dieses Bild",
  seed: (seed) => `Startwert ${seed}`,
  copy: "Ist es die Kopie eines Trainingsbildes?",
  copyWeights: (bytes) =>
    `Das Modell besteht aus ${bytes} Zahlen. Darin liegt kein Bild, das man nachschlagen könnte.`,
  copyShare: (images, each, picture) =>
    `Trainiert wurde es mit ${number("de", images)} Bildern: ${number("de", each)} Byte für jedes, wo dieses Bild ${number("de", picture)} hat.`,
  copyEmbedded:
    "Trotzdem kann ein Modell ein Bild auswendig lernen; darum wird dieses mit dem verglichen, womit es trainiert wurde.",
  nearestMissing:
    "Die Zeichnungen, mit denen es trainiert wurde, liegen nicht auf diesem Rechner. `nishiki data build` macht sie; dann stehen hier die ähnlichsten Trainingsbilder.",
  nearestText: (scenes) =>
    `Seine Trainingsbilder wurden aus Zeichnungen zusammengesetzt. Hier sind ${scenes} zu diesem Text, zusammengesetzt wie im Training; die ähnlichsten stehen neben dem Bild.`,
  nearestHeldOut:
    "Das Training ließ diese Verbindung von Wörtern absichtlich aus: Keines dieser Bilder wurde je gesehen, das Modell hat getrennt Gelerntes zusammengesetzt.",
  nearestOne: (caption, psnr) => `„${caption}“, ${number("de", psnr, 1)} dB`,
  nearestVerdict: (psnr, usual, limit, isCopy) =>
    `Das ähnlichste ist ${number("de", psnr, 1)} dB entfernt; mehr heißt ähnlicher. Ab ${number("de", limit)} dB gilt ein Bild als Beinahe-Kopie: dieses ${isCopy ? "gilt als eine" : "nicht"}. Zum Vergleich: Zu jedem dieser Trainingsbilder gibt es ein anderes mit ${number("de", usual, 1)} dB (Median), weil der Text nicht mehr offenlässt.`,
  nearestPlot: "dB zum ähnlichsten Trainingsbild: dieses Bild (groß) und die Trainingsbilder selbst (klein)",
  copyPublished:
    "Trotzdem kann ein Modell ein Bild auswendig lernen, vor allem eines, das seine Trainingsmenge wiederholte. Diese Trainingsmenge liegt nicht auf diesem Rechner; eine Kopie lässt sich hier nicht ausschließen.",
  pull: (percentile, count) =>
    `Ein Zeichen für Auswendiggelerntes ist ein Prompt, der die erste Vorhersage viel stärker zieht als andere. Dieser zieht stärker als ${percent("de", percentile)} von ${count} gewöhnlichen Prompts desselben Modells.`,
  pullPlot: "Zug an der ersten Vorhersage: dieser Prompt (groß) und gewöhnliche Prompts (klein)",
  pullAxis: "Zug des Prompts je Schritt",
  pullName: "der ganze Prompt",
  trainingPicture: (place) => `Trainingsbild ${place}`,
  plotHelp: "Mit den Pfeiltasten durch die Werte gehen.",
  plotStep: (step, values) => `Schritt ${step}: ${values}`,
  search: "Hat es nach Bildern gesucht?",
  searchText: (files) =>
    `Nein. Beim Zeichnen wird keine Verbindung geöffnet. Gelesen wurden ${files} Dateien auf diesem Rechner, deren Inhalt diese Prüfsummen festlegen:`,
  file: "Datei",
  fileAfter: "Nach dem Zeichnen",
  fileSame: "dieselbe",
  fileChanged: "eine andere",
  size: "Größe",
  know: "Versteht es Hände, Perspektive, Licht?",
  knowText:
    "Es hat für nichts davon Regeln, nur das, was seine Trainingsbilder gemeinsam hatten. Messen lässt sich, wie oft es etwas richtig macht:",
  knowNothing:
    "Es hat für nichts davon Regeln, nur das, was seine Trainingsbilder gemeinsam hatten. Für dieses Modell ist hier nichts gemessen.",
  skill: "Fähigkeit",
  cellsText: (rows, columns, pixels) =>
    `Was es ausarbeiten kann, hängt auch vom Platz ab. Gezeichnet wird das Bild als ${rows}×${columns} Zellen, aus denen je ${pixels}×${pixels} Bildpunkte werden: Was wenige davon hat, etwa eine Hand oder ein fernes Gesicht, hat wenige Zahlen, um richtig zu sein. Zellen jedes Wortes:`,
  cells: "Zellen",
  word: "Wort",
  right: "Richtig",
  cost: "Wie viel Rechnung war das?",
  costText: (count, seconds, joules, how) =>
    `${count} Multiplikationen in ${seconds}, etwa ${joules} (${how}).`,
  costTraining: (count, hours, pictures) =>
    `Das Modell zu trainieren kostete einmal ${count} Multiplikationen, in ${number("de", hours, 1)} Stunden auf zwei Prozessorkernen: so viele wie ${pictures} solche Bilder.`,
  measured: "gemessen",
  estimated: (watts) => `geschätzt mit ${watts} W je beschäftigtem Kern`,
  network: "Netz",
  evaluations: "Läufe",
  each: "Multiplikationen je Lauf",
  sum: "Zusammen",
  forecastText: (forecast, seconds) =>
    `Vor dem Zeichnen waren für den Blick ins Innere ${forecast} vorhergesagt; es waren ${seconds}.`,
  device: "Braucht es eine Grafikkarte?",
  deviceText: (device, runtime) =>
    `Nein. Dieses Bild entstand auf dem Gerät „${device}“ mit ${runtime}. Eine Grafikkarte rechnet dieselben Multiplikationen schneller; das Bild ist bis auf Rundung dasselbe.`,
  deviceName: "Gerät",
  deviceState: "Anteil",
  deviceSpeed: "Tempo",
  devicePicture: "Bild desselben Startwerts",
  deviceThreads: (name, threads) => `${name}, ${threads} ${threads === 1 ? "Thread" : "Threads"}`,
  deviceStates: {
    used: "zeichnete dieses Bild",
    drawn: "zeichnete denselben Startwert",
    absent: "nicht auf diesem Rechner",
    untried: "könnte die Laufzeit nutzen; nicht versucht",
  },
  deviceSame: "dieselben Bytes",
  deviceDifferent: (most, psnr) => `weicht um höchstens ${most} von 255 ab (${number("de", psnr)} dB)`,
  devicePrice: (count) =>
    `Denselben Startwert auf ${count === 1 ? "diesem anderen Gerät" : `diesen ${count} anderen Geräten`} zu zeichnen kostet je vorhandenem Gerät einmal Laden und zwei Bilder: nishiki explain … --devices.`,
  read: "Was hat das Modell gelesen?",
  readText: "Wörter werden in Stücke zerlegt, die das Modell kennt. Mehr erreicht es vom Prompt nicht:",
  encoded: (text) => `Unbekannte Wörter wurden ersetzt: „${text}“.`,
  tokenEnd: (room) => `hier endet das Fenster von ${room} Tokens; was folgt, wird als eigener Text gelesen`,
  tokenCount: (count, room) =>
    `${number("de", count)} Tokens; der Textencoder liest ${number("de", room)} auf einmal.`,
  neighbours: (word, names) => `In die Nähe von „${word}“ stellt der Textencoder ${names}.`,
  neighboursText: "So unterscheidet er Wörter, und darum hält er manches für ein anderes.",
  wordPullText:
    "Bei jedem Schritt wurde dasselbe verrauschte Bild noch einmal mit einem Wort weniger gelesen. Die Linien zeigen, wie viel der Vorhersage an jedem Wort hängt: Hohe Linien am Anfang entscheiden, was das Bild wird, späte bessern nur nach.",
  wordPullAxis: "Was jedes Wort an der Vorhersage ändert, je Schritt",
  when: "Wann wurde es entschieden?",
  whenText: (structure, detail, steps) =>
    `Neun Zehntel des Aufbaus (das Bild in 16×16 Blöcken) sind nach Schritt ${structure} von ${steps} da, neun Zehntel der Einzelheiten nach Schritt ${detail}. Wo etwas liegt, woher Licht und Blick kommen, wird zuerst entschieden; Haare und Kanten kommen zuletzt.`,
  whenAxis: "Anteil der letzten Vorhersage, der schon da ist, je Schritt",
  structure: "Aufbau",
  detail: "Einzelheiten",
  switchText: (word) =>
    `Wie lange kann „${word}“ warten? Hier kommt es erst nach einigen Schritten in den Prompt. Je später es kommt, desto weniger kann es noch entscheiden.`,
  switchStep: (step, steps) => `nach Schritt ${step} von ${steps}`,
  switchNever: "von Anfang an",
  arrowWithout: "ohne den Prompt",
  arrowWith: "mit ihm",
  arrowText: (step) =>
    step === 0
      ? "Aus reinem Rauschen: die Vorhersage ohne den Prompt, mit ihm, und weiter auf dem Pfeil von der einen zur anderen."
      : `Dasselbe nach ${step} Schritten, aus einem verrauschten Bild:`,
  scalesText: "Die fertigen Bilder bei mehreren Faktoren:",
  guidance: "Wie genau hört es hin?",
  guidanceText:
    "Jeder Schritt sagt zweimal voraus, mit dem Prompt und ohne, und geht in Richtung des Unterschieds weiter. Der Faktor sagt, wie viel weiter: Bei 1 wird der Prompt nur gehört, bei hohen Werten schreit er.",
  scale: (scale) => `Faktor ${number("de", scale, 1)}`,
  skillNames: {
    thing: "ein einzelnes Ding",
    colour: "seine Farbe",
    colourAndThing: "Farbe und Ding zugleich",
    twoThings: "zwei Dinge zugleich",
    count: "zählen, eins bis vier",
    place: "links, rechts, über, unter",
    style: "der Stil",
    background: "der Hintergrund",
  },
  panelTitles: {
    drawing: "das Bild, seine Schritte und Wörter, Dateien und Aufwand",
    pull: "wie stark der Prompt zieht, unter gewöhnlichen Prompts",
    "leave-out": "derselbe Startwert ohne jedes Wort",
    seeds: "andere Startwerte und ihr Mittel",
    "word-pull": "was jedes Wort ändert, Schritt für Schritt",
    arrow: "der Pfeil der Führung",
    switch: "das stärkste Wort, später dazu",
    scales: "andere Faktoren der Führung",
    devices: "derselbe Startwert auf jedem Gerät",
  },
  choose: "Was soll gezeichnet werden?",
  chooseText:
    "Um zu zeigen, wie dieses Bild entstand, wird es noch einmal gezeichnet, mit Abwandlungen, die Fragen beantworten. Jede hat auf diesem Rechner ihren Preis.",
  chooseMore: "Mehr zum Hineinschauen",
  drawingAgain: "das Bild noch einmal, zum Vergleichen",
  pricing: "Die Preise werden ausgerechnet …",
  price: (drawings, time, memory) =>
    `${drawings === 1 ? "1 Zeichnung" : `${number("de", drawings)} Zeichnungen`}, etwa ${time}, ${memory}`,
  noPrice: "Diese Art von Modell sagt nicht, was sie kostet.",
  priceSum: (time, memory) => `Zusammen etwa ${time} und ${memory} Speicher`,
  priceGuess: "Geschätzt: Dieses Modell hat hier noch nicht gezeichnet.",
  priceShort: (free) => `Nur ${free} sind frei.`,
  howMany: (panel) => `Wie viele: ${panel}`,
  look: "Hineinschauen",
  stop: "Abbrechen",
  waiting: "Es wird noch einmal gezeichnet, diesmal mit Blick ins Innere …",
  left: (time) => `noch ${time}`,
  cancelled: "Abgebrochen. Was bisher gefunden wurde, bleibt hier, bis Sie gehen.",
  savePage: "Als eine Datei sichern",
};
