// Things whose mirror image would be wrong: with letters, numbers, or a hand that runs the other way.

const fixed = new Set(
  (
    "keyboard, alarm clock, watch, wall clock, mantel clock, stopwatch, timer, calendar, world map, globe, sheet music, musical note, newspaper, book, " +
    "open book, decorated notebook, ledger, receipt, ticket, banknote, credit card, flying money, money bag, coin, price tag, identity card, " +
    "sheet of paper, scroll, memo, spiral notepad, clipboard, card index, bar chart, rising chart, first place medal, second place medal, " +
    "third place medal, billiard ball, playing card, control knobs, slot machine, bank, hospital, hotel, school, shop, post office, department store, " +
    "stop sign, bus stop, taxi, police car, ambulance, fire truck, computer, laptop, pager, fax machine, telephone, phone, thermometer, ruler, " +
    "triangle ruler, compass, fuel pump, love letter, envelope, postbox, ballot box, lucky envelope, sign board, military medal, " +
    "clapper board, dice, target, elevator, x-ray, dna strand, moon, half moon, barber pole, radio, half moon, mailbox, floppy disk"
  ).split(/,\s*/),
);

/** Whether a thing's mirror image is a right drawing of it too. */
export function canBeMirrored(name: string): boolean {
  return !fixed.has(name);
}
