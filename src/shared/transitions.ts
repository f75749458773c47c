/** From each status, the statuses it may move to. A status absent from every list is only ever a first status. */
export type TransitionTable<Status extends string> = Readonly<Record<Status, readonly Status[]>>;

/** A move that the table does not list was attempted: a bug, never a caller's fault. */
export class IllegalMove extends Error {
  constructor(subject: string, from: string, to: string) {
    super(`${subject} cannot move from ${from} to ${to}.`);
  }
}

export function isLegalMove<Status extends string>(table: TransitionTable<Status>, from: Status, to: Status): boolean {
  return table[from].includes(to);
}

/** @throws {IllegalMove} */
export function assertLegalMove<Status extends string>(
  table: TransitionTable<Status>,
  subject: string,
  from: Status,
  to: Status,
): void {
  if (!isLegalMove(table, from, to)) throw new IllegalMove(subject, from, to);
}

/**
 * Checks a table once, at start: every target is a status, none moves to itself, and every status but the first can be reached.
 * @throws {Error} naming the offending status
 */
export function checkTransitions<Status extends string>(table: TransitionTable<Status>, first: Status): void {
  const reached = new Set<Status>([first]);
  const queue: Status[] = [first];
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const to of table[from]) {
      if (!(to in table)) throw new Error(`${to} is a target of ${from} but not a status.`);
      if (to === from) throw new Error(`${from} moves to itself.`);
      if (!reached.has(to)) {
        reached.add(to);
        queue.push(to);
      }
    }
  }
  for (const status of Object.keys(table) as Status[]) {
    if (!reached.has(status)) throw new Error(`${status} can never be reached from ${first}.`);
  }
}
