/**
 * 256 English words to be read aloud: common nouns of four to nine letters. No two begin
 * with the same three letters, and between any two lie three letters or more, so that a word
 * misheard or mistyped is seldom another one.
 *
 * The order is part of the protocol between two people: a word MUST NOT move.
 *
 * @module
 */
export const WORDS: readonly string[] = `
acorn agent album almond amber anchor angle apron arctic artist aspen atlas autumn avocado
badger bamboo banjo barrel basket bazaar beacon bedroom blossom bottle boulder bracelet bridge
bronze buffalo butter cabin cactus camel canyon carpet castle cathedral cedar chalk cherry
chimney chocolate circus clover cobra coffee copper cotton cougar cradle cricket crocodile
crystal cupcake cyclone daisy dancer desert diamond doctor dolphin domino donkey dragon drummer
dynamo echo eclipse eggplant elbow elephant elixir emerald engine eyebrow fabric falcon feather
fiddle fireworks flamingo flute forest fossil fountain galaxy garlic gazelle geyser ginger
giraffe glacier goblet gorilla grape guitar harbor hedgehog helmet horizon hotel hyena iceberg
igloo indigo inkwell insect ivory jaguar jasmine jelly jewel jigsaw jukebox juniper kangaroo
kayak keyboard kingdom kitchen koala lagoon lantern lavender lemon leopard library lilac
limestone lizard lobster locket lotus lunar magnet mammal mandolin maple meadow mercury meteor
midnight mirror mitten molecule morning mosaic muffin museum napkin needle nickel nomad notebook
nugget nutmeg oasis ocean octopus olive omelet onion opera orange orbit orchid oregano ostrich
oxygen palace pancake papaya parrot pebble pelican pencil piano picnic pigeon pilot pirate
planet porcupine postcard potato puzzle pyramid quilt rabbit raccoon radish raisin raven redwood
ribbon rubber saffron sandal sapphire satchel scooter seagull shelter silver siren snowman
sphinx spider squirrel statue stork sunset symphony tadpole tapestry teapot telescope temple
tennis thimble thunder tornado toucan tractor treasure tripod trumpet tulip tunnel turtle tuxedo
umbrella unicorn valley vanilla velcro vessel vinegar violin viper volcano voyage vulture waffle
walnut wasabi whistle willow wombat yacht yogurt zenith zeppelin zigzag zodiac zucchini
`.trim().split(/\s+/);
