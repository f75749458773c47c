import type { HttpAnswer } from './http-connections';
import { Purchase, scattered } from './purchases';

interface Answered {
  readonly purchase: Purchase;
  readonly answer: HttpAnswer;
}

interface Decision {
  readonly approved: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Judgement {
  readonly wrong: readonly string[];
  readonly duplicates: number;
  readonly twins: number;
  readonly cards: number;
}

export interface AnswersPlan {
  /** Requests in the order they are sent; those of one group start together. */
  readonly groups: readonly (readonly Purchase[])[];
  take(group: number, member: number, answer: HttpAnswer): void;
  judge(): Judgement;
}

// Of every twenty requests: four are deliveries of an earlier one and one is the simultaneous twin of another.
const pattern = [
  'first',
  'again',
  'first',
  'first',
  'twins',
  'again',
  'first',
  'second',
  'first',
  'again',
  'first',
  'unknown',
  'first',
  'second',
  'first',
  'again',
  'first',
  'second',
  'first',
] as const;

// Further back than what can be under way at once: a repetition of something still being decided is what the twins are for.
const distance = 64;

/** Purchases whose right answers are known beforehand: one approval per card, and every delivery of one event answered alike. */
export function planAnswers(
  { run, fromTurn, count }: { readonly run: string; readonly fromTurn: number; readonly count: number },
  payouts: number,
): AnswersPlan {
  const groups: Purchase[][] = [];
  const firsts: Purchase[] = [];
  let turn = fromTurn;
  let made = 0;
  let requests = 0;
  let duplicates = 0;
  let twins = 0;
  const earlier = () => firsts[Math.max(0, firsts.length - distance - (made % 997) * (firsts.length > 2_000 ? 1 : 0))]!;
  const name = () => `${run}_${made++}`;
  for (let step = 0; requests < count; step += 1) {
    const what = firsts.length <= distance ? 'first' : pattern[step % pattern.length]!;
    const group: Purchase[] = [];
    switch (what) {
      case 'first': {
        group.push({ payout: scattered(turn++, payouts), authorization: name() });
        firsts.push(group[0]!);
        break;
      }
      case 'twins': {
        const first = { payout: scattered(turn++, payouts), authorization: name() };
        // Turn about: one event delivered twice at once, and two purchases on one card at once.
        group.push(first, twins % 2 === 0 ? first : { ...first, authorization: name() });
        twins += 1;
        break;
      }
      case 'again': {
        made += 1;
        group.push(earlier());
        duplicates += 1;
        break;
      }
      case 'second': {
        group.push({ ...earlier(), authorization: name() });
        break;
      }
      case 'unknown': {
        group.push({ payout: made, authorization: name(), isUnknownCard: true });
        break;
      }
    }
    groups.push(group);
    requests += group.length;
  }

  const answered: Answered[] = [];
  return {
    groups,
    take: (group, member, answer) => void answered.push({ purchase: groups[group]![member]!, answer }),
    judge: () => ({ ...judge(answered, requests), duplicates, twins }),
  };
}

function judge(answered: readonly Answered[], requests: number): { wrong: string[]; cards: number } {
  const wrong: string[] = [];
  if (answered.length !== requests) wrong.push(`${requests - answered.length} requests without an answer`);
  const answers = new Map<string, string>();
  const approved = new Map<number, Set<string>>();
  const cards = new Set<number>();
  for (const { purchase, answer } of answered) {
    if (answer.status !== 200) {
      wrong.push(`${purchase.authorization}: ${answer.status} ${answer.body}`);
      continue;
    }
    const decision = JSON.parse(answer.body) as Decision;
    const before = answers.get(purchase.authorization);
    if (before !== undefined && before !== answer.body) {
      wrong.push(`${purchase.authorization}: first ${before}, then ${answer.body}`);
    }
    answers.set(purchase.authorization, answer.body);
    if (purchase.isUnknownCard) {
      if (decision.approved) wrong.push(`${purchase.authorization}: approved on a card nobody issued`);
      continue;
    }
    cards.add(purchase.payout);
    const reason = decision.metadata['disburse_reason'];
    if (decision.approved) {
      approved.set(purchase.payout, (approved.get(purchase.payout) ?? new Set()).add(purchase.authorization));
    } else if (reason !== 'already_used') {
      wrong.push(`${purchase.authorization}: declined, ${reason}`);
    }
  }
  for (const card of cards) {
    const count = approved.get(card)?.size ?? 0;
    if (count !== 1) wrong.push(`card ${card}: ${count} authorizations approved`);
  }
  return { wrong, cards: cards.size };
}
