import { join } from 'node:path';
import * as ts from 'typescript';
import { compile } from './compiler';

/** The type in the `stripe` package that an answer's `object` must have. */
const typeByObject: Record<string, string> = {
  account: 'Stripe.Account',
  account_link: 'Stripe.AccountLink',
  balance: 'Stripe.Balance',
  balance_transaction: 'Stripe.BalanceTransaction',
  bank_account: 'Stripe.BankAccount',
  capability: 'Stripe.Capability',
  charge: 'Stripe.Charge',
  ephemeral_key: 'Stripe.EphemeralKey',
  event: "Omit<Stripe.EventBase, 'data'> & { data: { object: object; previous_attributes?: object } }",
  funding_instructions: 'Stripe.FundingInstructions',
  'issuing.authorization': 'Stripe.Issuing.Authorization',
  'issuing.card': 'Stripe.Issuing.Card',
  'issuing.cardholder': 'Stripe.Issuing.Cardholder',
  'issuing.dispute': 'Stripe.Issuing.Dispute',
  'issuing.personalization_design': 'Stripe.Issuing.PersonalizationDesign',
  'issuing.physical_bundle': 'Stripe.Issuing.PhysicalBundle',
  'issuing.transaction': 'Stripe.Issuing.Transaction',
  payment_intent: 'Stripe.PaymentIntent',
  payout: 'Stripe.Payout',
  person: 'Stripe.Person',
  refund: 'Stripe.Refund',
  // The documented parameter comes back although no type says so.
  topup: 'Stripe.Topup & { destination_balance?: string }',
  transfer: 'Stripe.Transfer',
  transfer_reversal: 'Stripe.TransferReversal',
  webhook_endpoint: 'Stripe.WebhookEndpoint',
};

/** What the wire says with a string and the package's types with a Decimal, which its client makes of it. */
const prelude = `
import type Stripe from 'stripe';
type OnWire<T> = T extends Stripe.Decimal ? string
  : T extends (...args: never) => unknown ? T
  : T extends Array<infer I> ? OnWire<I>[]
  : T extends object ? { [K in keyof T]: OnWire<T[K]> } : T;
`;

export type Json = Record<string, unknown>;

/** Every object of a recorded answer that has a type, lists opened, embedded objects included. */
export function typedObjects(answer: unknown): Json[] {
  if (Array.isArray(answer)) return answer.flatMap(typedObjects);
  if (typeof answer !== 'object' || answer === null) return [];
  const json = answer as Json;
  if (json['object'] === 'list') return typedObjects(json['data']);
  const own = typeof json['object'] === 'string' && json['object'] in typeByObject ? [json] : [];
  const inside = json['object'] === 'event' ? typedObjects((json['data'] as Json)['object']) : [];
  return [...own, ...inside];
}

/** What the compiler says about the answers: nothing, when each is exactly what its type allows, and no key more. */
export function typeProblems(root: string, answers: readonly Json[]): string[] {
  const entry = join(root, 'test/simulator/recorded-answers.ts');
  const lines = answers.map(
    (answer, index) =>
      `export const answer${index}: OnWire<${typeByObject[String(answer['object'])]}> = ${JSON.stringify(answer)};`,
  );
  const source = prelude + lines.join('\n');
  const { program, file } = compile(entry, source);
  return program.getSemanticDiagnostics(file).map((problem) => {
    const line = problem.start !== undefined ? file.getLineAndCharacterOfPosition(problem.start).line : 0;
    const answer = answers[line - prelude.split('\n').length + 1];
    const where = (answer?.['object'] as string | undefined) ?? 'prelude';
    return `${where}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ').slice(0, 600)}`;
  });
}

/**
 * How an object differs from Stripe's published sample: keys that only one of them has, and kinds of value that differ.
 * Null matches anything, because samples and answers both leave out what did not happen.
 */
export function sampleDifferences(sample: Json, answer: Json, path = ''): string[] {
  const differences: string[] = [];
  for (const key of new Set([...Object.keys(sample), ...Object.keys(answer)])) {
    const where = path === '' ? key : `${path}.${key}`;
    if (!(key in answer)) differences.push(`missing ${where}`);
    else if (!(key in sample)) differences.push(`extra ${where}`);
    else {
      const [theirs, ours] = [sample[key], answer[key]];
      if (theirs === null || ours === null) continue;
      if (kindOf(theirs) !== kindOf(ours))
        differences.push(`${where} is ${kindOf(ours)}, the sample has ${kindOf(theirs)}`);
      else if (kindOf(theirs) === 'object' && key !== 'metadata') {
        differences.push(...sampleDifferences(theirs as Json, ours as Json, where));
      }
    }
  }
  return differences;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}
