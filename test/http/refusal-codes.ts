import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const source = join(__dirname, '../../src');

/** Refusals that no API key ever hears: Stripe's webhooks, routes that do not exist, what other refusals stand for. */
const notOfTheApi = new Set([
  'authorization_request_malformed',
  'method_not_allowed',
  'route_not_classified',
  'route_not_found',
  'stripe_event_malformed',
  'stripe_event_too_large',
  'stripe_livemode_mismatch',
  'stripe_signature_invalid',
]);

/** What jobs meet and no request does. */
const notOfRequests = new Set([
  'earlier_card_still_live',
  'cardholder_not_ready',
  'funding_account_not_ready',
  'funding_transfer_unsettled',
  'nothing_funded',
]);

/** The codes in the source: of refusal classes, and every text that an answer could have as its code. */
export function sourceRefusalCodes(): { refusals: Set<string>; answered: Set<string> } {
  const refusals = new Set<string>();
  const answered = new Set<string>();
  for (const file of globSync('**/*.ts', { cwd: source })) {
    if (file.endsWith('.spec.ts')) continue;
    const text = readFileSync(join(source, file), 'utf8');
    if (!file.includes('refuses.decorator') && !file.endsWith('.controller.ts')) {
      for (const [, code] of text.matchAll(/'([a-z][a-z0-9]*(?:_[a-z0-9]+)+)'/g)) answered.add(code!);
      for (const [, what] of text.matchAll(/super\('([a-z_]+)', \w+\)/g)) answered.add(`${what}_not_found`);
    }
    if (!file.endsWith('.errors.ts')) continue;
    for (const [, code] of text.matchAll(/readonly code = '([a-z0-9_]+)'/g)) refusals.add(code!);
    for (const [, what] of text.matchAll(/super\('([a-z_]+)', \w+\)/g)) refusals.add(`${what}_not_found`);
  }
  for (const code of [...notOfTheApi, ...notOfRequests]) refusals.delete(code);
  return { refusals, answered };
}
