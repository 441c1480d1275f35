// Words that a picture is compared with, in groups: what it shows, how it is made, in which style, light, mood and colours.
// Whoever describes other pictures has lists of their own.

export interface WordGroup {
  readonly name: string;
  /** The sentence in which CLIP reads a word; "{}" stands for it. CLIP was trained on captions, not on words. */
  readonly template: string;
  readonly words: readonly string[];
}

const list = (text: string): string[] => text.split(",").map((word) => word.trim());

const living = list(
  `person, man, woman, child, baby, crowd, couple, dancer, musician, soldier, worker, face, hand, cat, dog, horse, cow, sheep,
  goat, pig, deer, fox, wolf, bear, lion, tiger, elephant, giraffe, zebra, monkey, rabbit, mouse, squirrel, hedgehog, bird,
  owl, eagle, parrot, duck, swan, chicken, penguin, fish, shark, whale, dolphin, octopus, crab, turtle, snake, lizard, frog,
  butterfly, bee, spider, snail, dragon, robot, angel, skeleton, tree, flower, rose, sunflower, cactus, mushroom, leaf`,
);
const things = list(
  `apple, banana, pear, cherry, bread, cake, cup, bottle, plate, table, chair, bed, lamp, candle, book, clock, key, umbrella,
  hat, shoe, dress, guitar, piano, violin, ball, kite, balloon, bicycle, motorcycle, car, bus, train, tram, truck, boat,
  sailing ship, airplane, helicopter, rocket, computer, telephone, camera, sword, crown, mask, statue, flag, map, letter`,
);
const places = list(
  `house, castle, church, temple, tower, lighthouse, windmill, bridge, street, city at night, skyline, village, market, harbour,
  garden, park, forest, jungle, field, meadow, hill, mountain, volcano, cave, desert, beach, island, river, waterfall, lake,
  sea, wave, sky, clouds, sunset, rainbow, moon, starry sky, planet, snow, room, kitchen, library, office, stage, ruins`,
);

/** The lists that come with the program. */
export const wordGroups: readonly WordGroup[] = [
  { name: "shows", template: "a picture of a {}", words: [...living, ...things, ...places] },
  {
    name: "made as",
    template: "{}",
    words: list(
      `a photograph, a black and white photograph, an oil painting, a watercolour painting, an acrylic painting, a gouache
      painting, a pastel drawing, a pencil drawing, a charcoal drawing, an ink drawing, a woodblock print, a linocut, an
      engraving, an etching, a screen print, a collage, a mosaic, a stained glass window, a fresco, a tapestry, a sculpture,
      a ceramic, a paper cut, an origami, a comic, a cartoon, an anime drawing, a children's book illustration, a poster, a
      logo, an icon, pixel art, vector art, a 3d rendering, a technical drawing, a map, a diagram, a screenshot, graffiti`,
    ),
  },
  {
    name: "style",
    template: "a picture in the style of {}",
    words: list(
      `realism, photorealism, impressionism, post-impressionism, pointillism, expressionism, fauvism, cubism, futurism,
      dadaism, surrealism, abstract art, minimalism, pop art, op art, art nouveau, art deco, bauhaus, constructivism,
      romanticism, baroque, rococo, renaissance, gothic art, byzantine icons, ukiyo-e, chinese ink painting, islamic
      miniatures, folk art, naive art, symbolism, steampunk, cyberpunk, fantasy art, science fiction, vaporwave`,
    ),
  },
  {
    name: "light",
    template: "a picture with {}",
    words: list(
      `soft light, hard light, backlight, candlelight, moonlight, neon light, golden evening light, morning light, midday sun,
      fog, rain, snowfall, deep shadows, a dark scene, a bright scene, a plain background, a blurred background`,
    ),
  },
  {
    name: "mood",
    template: "a {} picture",
    words: list(
      `calm, cheerful, playful, dramatic, gloomy, mysterious, romantic, melancholic, frightening, solemn, energetic, dreamy,
      lonely, cosy, majestic, chaotic, funny`,
    ),
  },
  {
    name: "colours",
    template: "a picture in {}",
    words: list(
      `red, orange, yellow, green, turquoise, blue, violet, pink, brown, black and white, grey, gold, pastel colours, bright
      colours, muted colours, warm colours, cold colours, blue and orange, red and green, black and red`,
    ),
  },
];
