// Where the things of a scene stand, and how large they are beside each other.

import type { BackgroundName } from "./backgrounds.js";

/** In the sky; far off, on the horizon; near, in front. */
export type Role = "sky" | "far" | "near";

const list = (names: string) => new Set(names.split(/,\s*/));

const sky = list(
  "sun, moon, star, cloud, rainbow, airplane, helicopter, rocket, flying saucer, balloon, kite, bird, dove, eagle, bat, bee, butterfly, " +
    "satellite, planet, full moon, new moon, half moon, moon with a face, sun with a face, glowing star, shooting star, comet, " +
    "sun behind a cloud, thundercloud, rain cloud, snow cloud, storm cloud, lightning bolt, fireworks, propeller plane, parachute, " +
    "flying dragon, fly, mosquito, snowflake, flying money",
);

const far = list(
  "house, castle, tent, factory, volcano, mountain, tree, pine tree, palm tree, church, hut, ferris wheel, fountain, tornado, mount fuji, " +
    "camping site, desert island, stadium, temple, row of houses, ruined house, house with garden, office building, post office, " +
    "hospital, bank, hotel, shop, school, department store, japanese castle, wedding chapel, tower, statue of liberty, mosque, " +
    "hindu temple, synagogue, shrine gate, bridge, circus tent, city skyline, roller coaster, cruise ship, ship, ferry, sailboat, wave, " +
    "christmas tree, cactus, playground slide",
);

const huge = list(
  "mountain, volcano, mount fuji, castle, japanese castle, city skyline, stadium, tower, office building, ferris wheel, roller coaster, " +
    "tornado, statue of liberty, cruise ship",
);

const large = list(
  "bear, panda, lion, tiger, cow, horse, unicorn, dragon, elephant, giraffe, zebra, deer, camel, crocodile, dinosaur, shark, whale, car, " +
    "bus, truck, tractor, motorcycle, bicycle, train, bed, couch, piano, gorilla, orangutan, moose, bison, ox, water buffalo, " +
    "two-humped camel, mammoth, rhinoceros, hippopotamus, long-necked dinosaur, sperm whale, taxi, ambulance, fire truck, canoe, minibus, " +
    "police car, off-road car, pickup truck, semi truck, racing car, tram, trolleybus, railway car, bullet train, subway train, " +
    "speedboat, motorboat, bathtub, robot, snowman, alien, ghost",
);

const small = list(
  "mouse, frog, hamster, rat, chick, hatching chick, ladybug, ant, snail, spider, caterpillar, beetle, cricket, cockroach, worm, microbe, " +
    "seashell, shrimp, crab, flower, sunflower, tulip, rose, four-leaf clover, maple leaf, mushroom, apple, lemon, cherries, strawberry, " +
    "egg, cookie, donut, cup of coffee, cup of tea, key, old key, coin, ring, pill, dice, candle, seedling, herb, shamrock, " +
    "hedgehog, squirrel, lizard, chestnut, peanuts, olive, feather, bone, tooth",
);

/** Where a thing belongs in a landscape. */
export function roleOf(name: string): Role {
  return sky.has(name) ? "sky" : far.has(name) ? "far" : "near";
}

/** A thing's longer side in a landscape, as a share of the image's side. */
export function naturalSize(name: string): number {
  const role = roleOf(name);
  if (role === "sky") return 0.23;
  if (role === "far") return huge.has(name) ? 0.52 : 0.42;
  return large.has(name) ? 0.36 : small.has(name) ? 0.22 : 0.29;
}

/** What another thing may stand, sit, lie or ride on, and whether it is ridden. */
const carriers: Readonly<Record<string, boolean>> = {
  bed: false,
  couch: false,
  chair: false,
  log: false,
  rock: false,
  piano: false,
  drum: false,
  book: false,
  "stack of books": false,
  package: false,
  gift: false,
  suitcase: false,
  bathtub: false,
  cake: false,
  cloud: false,
  mushroom: false,
  bicycle: true,
  motorcycle: true,
  scooter: true,
  skateboard: true,
  sled: true,
  horse: true,
  elephant: true,
  camel: true,
  turtle: true,
  whale: true,
  dinosaur: true,
  unicorn: true,
  canoe: true,
  rocket: true,
};

export const carrierNames: readonly string[] = Object.keys(carriers);

/** Whether something that stands on this thing rides it. */
export function isRidden(name: string): boolean {
  return carriers[name] === true;
}

/** What can move by itself, and so can ride, sit and stand in front of a house. */
export const livingThings: readonly string[] = [
  ...list(
    "cat, dog, fox, bear, panda, koala, tiger, lion, cow, pig, frog, monkey, rabbit, mouse, horse, unicorn, dragon, elephant, giraffe, zebra, " +
      "deer, sheep, camel, hedgehog, squirrel, penguin, bird, duck, owl, parrot, flamingo, swan, rooster, chicken, chick, snail, turtle, " +
      "crocodile, dinosaur, hamster, wolf, goat, kangaroo, raccoon, eagle, peacock, turkey, llama, gorilla, orangutan, poodle, leopard, moose, " +
      "donkey, bison, ox, boar, ram, mammoth, rhinoceros, hippopotamus, rat, beaver, sloth, otter, skunk, badger, seal, goose, dodo, robot, " +
      "snowman, ghost, alien, teddy bear, clown, ogre, goblin, lobster, octopus, crab, lizard, snake",
  ),
];

/** What goes with a background: far off and in the sky, and what is near. */
export interface Scenery {
  readonly far: readonly string[];
  readonly sky: readonly string[];
  readonly near: readonly string[];
}

const names = (text: string) => [...list(text)];

const land = {
  far: names(
    "house, tree, pine tree, castle, hut, church, mountain, tent, house with garden, row of houses, tower, temple, circus tent, bridge",
  ),
  sky: names(
    "sun, cloud, rainbow, bird, balloon, butterfly, airplane, kite, eagle, moon, helicopter, sun with a face",
  ),
  near: names(
    "cat, dog, horse, cow, sheep, pig, rabbit, fox, deer, goat, chicken, rooster, duck, car, bicycle, tractor, flower, sunflower, tulip, rose, " +
      "mushroom, bear, squirrel, hedgehog, motorcycle, truck, snail, wolf, robot, soccer ball, bus, rock, log, owl, donkey, potted plant, chair",
  ),
} as const;

const winter: Scenery = {
  far: names(
    "pine tree, hut, house, church, mountain, castle, christmas tree, tent, mount fuji, row of houses, house with garden",
  ),
  sky: names("moon, snowflake, bird, cloud, star, sun, snow cloud, full moon"),
  near: names(
    "snowman, penguin, fox, dog, bear, deer, rabbit, wolf, sled, seal, moose, owl, cat, gift, ice skate, skis, raccoon, car, horse, scarf",
  ),
};

const night: Scenery = {
  far: names(
    "house, castle, pine tree, tree, tent, hut, mountain, church, city skyline, ruined house, tower",
  ),
  sky: names(
    "moon, star, full moon, half moon, shooting star, comet, bat, cloud, rocket, flying saucer, fireworks, glowing star",
  ),
  near: names(
    "cat, owl, fox, wolf, dog, ghost, hedgehog, robot, alien, pumpkin, car, rabbit, raccoon, skull, candle, horse, bear, fire",
  ),
};

const water: Scenery = {
  far: names("ship, sailboat, desert island, palm tree, ferry, cruise ship, wave, castle, mountain"),
  sky: names("sun, cloud, bird, rainbow, airplane, moon, eagle, helicopter, kite, balloon"),
  near: names(
    "whale, dolphin, shark, duck, swan, fish, canoe, seal, turtle, octopus, penguin, speedboat, motorboat, goose, otter, crab, flamingo",
  ),
};

const street: Scenery = {
  far: names(
    "office building, house, shop, hotel, bank, school, church, hospital, row of houses, tree, tower, post office, ferris wheel, bridge",
  ),
  sky: names("sun, cloud, airplane, helicopter, bird, moon, balloon, rainbow, dove"),
  near: names(
    "car, bus, bicycle, taxi, truck, motorcycle, dog, cat, traffic light, police car, fire truck, ambulance, tram, scooter, robot, fuel pump, " +
      "mailbox, bus stop, skateboard, racing car, minibus",
  ),
};

const indoors: Scenery = {
  far: [],
  sky: [],
  near: names(
    "cat, dog, bed, chair, couch, book, television, potted plant, piano, guitar, teddy bear, computer, laptop, gift, ball of yarn, " +
      "cake, candle, cup of coffee, teapot, violin, robot, mouse, wall clock, door, window, picture frame, soccer ball, umbrella",
  ),
};

const laid: Scenery = {
  far: [],
  sky: [],
  near: names(
    "cup of coffee, cup of tea, teapot, apple, banana, lemon, pear, bread, cheese, croissant, cake, pie, pizza, hamburger, wine glass, beer mug, candle, " +
      "book, egg, grapes, strawberry, watermelon, donut, cookie, sandwich, salad, honey pot, glass of milk, bowl of rice, potted plant, bouquet, key, " +
      "laptop, camera, pencil, cupcake, pancakes, fried egg, jar, tangerine, kitchen knife, spoon, pumpkin, cat",
  ),
};

const deep: Scenery = {
  far: [],
  sky: [],
  near: names(
    "fish, tropical fish, shark, dolphin, whale, octopus, squid, jellyfish, turtle, crab, lobster, shrimp, seal, pufferfish, coral, seashell, oyster, " +
      "sperm whale, diving mask, anchor, otter",
  ),
};

const cosmos: Scenery = {
  far: [],
  sky: names(
    "planet, star, moon, satellite, comet, flying saucer, rocket, sun, full moon, shooting star, glowing star, half moon",
  ),
  near: names("robot, alien, cat, dog, telescope, pixel alien, globe, monkey, bear"),
};

const arid: Scenery = {
  far: names("cactus, palm tree, mountain, tent, temple, mosque, volcano, tower, hut"),
  sky: names("sun, eagle, cloud, balloon, moon, airplane, kite"),
  near: names(
    "camel, two-humped camel, snake, scorpion, lizard, off-road car, horse, skull, fox, elephant, llama, rock, motorcycle, bone, ram, lion",
  ),
};

const tropical: Scenery = {
  far: names("palm tree, sailboat, desert island, ship, hut, tent"),
  sky: names("sun, cloud, bird, kite, airplane, balloon, moon"),
  near: names(
    "crab, turtle, beach umbrella, umbrella, seashell, dog, chair, bucket, coconut, flamingo, parrot, volleyball, sunglasses, lifebuoy, tropical drink, " +
      "canoe, ice cream, sun hat, guitar, penguin, seal",
  ),
};

const wood: Scenery = {
  far: names("tree, pine tree, hut, tent, house, castle, camping site"),
  sky: names("bird, butterfly, bee, sun, moon, bat, eagle, balloon"),
  near: names(
    "fox, bear, deer, wolf, owl, rabbit, squirrel, hedgehog, mushroom, moose, boar, raccoon, badger, snail, frog, log, beaver, fire, unicorn, dragon, " +
      "bicycle, mouse, skunk, goblin, ogre, cat, dog, axe",
  ),
};

const high: Scenery = {
  far: names("mountain, hut, house, castle, pine tree, tent, church, temple, tower, mount fuji, bridge"),
  sky: names("eagle, cloud, sun, airplane, balloon, bird, moon, rainbow, helicopter"),
  near: names(
    "goat, ram, bear, deer, wolf, llama, cow, sheep, horse, backpack, hiking boot, dog, donkey, rock, car, dragon, flower",
  ),
};

const shore: Scenery = {
  far: names("sailboat, hut, house, pine tree, tree, castle, mountain, tent, church"),
  sky: names("bird, sun, cloud, moon, eagle, balloon, rainbow, airplane"),
  near: names(
    "duck, swan, goose, canoe, fish, frog, otter, beaver, dog, fishing rod, flamingo, turtle, bear, deer, motorboat, lotus",
  ),
};

const air: Scenery = {
  far: [],
  sky: names(
    "airplane, bird, balloon, kite, helicopter, propeller plane, parachute, eagle, sun, rainbow, bee, butterfly, dove, flying dragon",
  ),
  near: [],
};

const sceneries: Readonly<Partial<Record<BackgroundName, Scenery>>> = {
  sunset: { ...land, near: [...land.near, "elephant", "giraffe", "lion"] },
  "night sky": night,
  sea: water,
  meadow: land,
  snow: winter,
  desert: arid,
  space: cosmos,
  forest: wood,
  "snowy forest": winter,
  mountains: high,
  lake: shore,
  "lake at sunrise": shore,
  beach: tropical,
  city: street,
  "city at night": { ...street, sky: night.sky },
  road: street,
  room: indoors,
  table: laid,
  rain: {
    ...land,
    sky: names("rain cloud, thundercloud, lightning bolt, cloud, bird, rainbow"),
    near: [...land.near, "umbrella", "frog", "boot"],
  },
  underwater: deep,
  sunrise: land,
  clouds: air,
  garden: land,
  autumn: wood,
  aurora: winter,
};

/** What goes with a background; with none or a pattern, what goes with a meadow. */
export function sceneryOf(background: BackgroundName | null): Scenery {
  return (background !== null && sceneries[background]) || land;
}
