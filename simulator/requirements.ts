import type { Row } from './kinds';

type Hash = Record<string, unknown>;

const address = ['address.line1', 'address.city', 'address.postal_code'];
const person = ['first_name', 'last_name', 'dob.day', 'dob.month', 'dob.year', 'email', 'phone', ...address];

/** The facts the "Custom" kind of account owes before it may issue cards and receive transfers. */
const owedByEveryone = ['business_type', 'business_profile.mcc', 'tos_acceptance.date', 'tos_acceptance.ip'];
const owedByCompanies = [
  'company.name',
  'company.tax_id',
  'company.phone',
  ...address.map((field) => `company.${field}`),
];
const owedByIssuers = ['settings.card_issuing.tos_acceptance.date', 'settings.card_issuing.tos_acceptance.ip'];

/** What is missing for one capability, in Stripe's dotted names. */
export function requirementsFor(capability: string, account: Row<'account'>, persons: Row<'person'>[]): string[] {
  const { given, forced } = account.hidden;
  const owed = [...owedByEveryone];
  if (capability === 'card_issuing') owed.push(...owedByIssuers);
  const type = given['business_type'];
  if (type === 'individual')
    owed.push(...person.map((field) => `individual.${field}`), ...identityOf(account.body.country));
  if (type === 'company' || type === 'non_profit' || type === 'government_entity') owed.push(...owedByCompanies);
  const missing = owed.filter((path) => isMissing(given, path));
  if (isMissing(given, 'business_profile.url') && isMissing(given, 'business_profile.product_description')) {
    missing.push('business_profile.url');
  }
  if (type !== 'individual' && type !== undefined) missing.push(...representativeRequirements(persons));
  return [...missing, ...(forced[capability]?.requirements ?? [])].sort();
}

function identityOf(country: string | undefined): string[] {
  return country === 'US' ? ['individual.ssn_last_4', 'individual.address.state'] : [];
}

function representativeRequirements(persons: Row<'person'>[]): string[] {
  const representative = persons.find(({ body }) => body.relationship?.representative === true);
  const prefix = representative?.body.id ?? 'representative';
  const facts = (representative?.body ?? {}) as Hash;
  return person.filter((path) => isMissing(facts, path)).map((path) => `${prefix}.${path}`);
}

export function isMissing(facts: Hash, path: string): boolean {
  let value: unknown = facts;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return true;
    value = (value as Hash)[key];
  }
  // A full number contains its last four digits.
  if (path.endsWith('ssn_last_4'))
    return (value ?? '') === '' && isMissing(facts, path.replace('ssn_last_4', 'id_number'));
  return value === undefined || value === null || value === '';
}

/** Sets a dotted path, for the onboarding page that fills in what is missing. */
export function setPath(facts: Hash, path: string, value: unknown): void {
  const keys = path.split('.');
  let target = facts;
  for (const key of keys.slice(0, -1)) {
    const next = target[key];
    target = (typeof next === 'object' && next !== null ? next : (target[key] = {})) as Hash;
  }
  target[keys.at(-1) ?? path] = value;
}

/** Hashes merge, everything else replaces: how Stripe takes an update. */
export function mergedFacts(current: Hash, change: Hash): Hash {
  const merged: Hash = { ...current };
  for (const [key, value] of Object.entries(change)) {
    const old = merged[key];
    merged[key] = isHash(old) && isHash(value) ? mergedFacts(old, value) : value;
  }
  return merged;
}

function isHash(value: unknown): value is Hash {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
