import { Client } from 'pg';

/** What a simulated card really says, which only Stripe and the seller's browser may know. */
export interface CardSecrets {
  readonly number: string;
  readonly cvc: string;
}

// Sixteen digits in a row, or grouped as on a card; not a part of a longer word, such as a hash, nor what follows a decimal point.
const cardShaped = /(?<![0-9A-Za-z_]|\d\.)\d(?:[ -]?\d){15}(?![0-9A-Za-z_])/g;

// A random id's last groups may be digits by chance, and pass as a card's.
const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Card numbers, CVCs and what looks like either in a text, each with a little of what stands around it. */
export function findCardData(raw: string, secrets: readonly CardSecrets[]): string[] {
  const text = raw.replaceAll(uuid, 'uuid');
  const found: string[] = [];
  const around = (at: number) => text.slice(Math.max(0, at - 60), at + 40);
  for (const match of text.matchAll(cardShaped)) {
    if (passesLuhn(match[0].replaceAll(/[ -]/g, ''))) found.push(`card-shaped: ${around(match.index)}`);
  }
  for (const match of text.matchAll(/"?cvc"?\s*[:=]\s*"?\d{3,4}/gi)) found.push(`cvc: ${around(match.index)}`);
  for (const { number, cvc } of secrets) {
    const disguises = [
      number,
      Buffer.from(number).toString('hex'),
      Buffer.from(number).toString('base64').replace(/=+$/, ''),
    ];
    for (const disguise of disguises)
      if (text.includes(disguise)) found.push(`number: ${around(text.indexOf(disguise))}`);
    // Three digits are everywhere; as a whole value in quotes they are not.
    if (text.includes(`"${cvc}"`)) found.push(`cvc as a value: ${around(text.indexOf(`"${cvc}"`))}`);
  }
  return found;
}

/** Every row of every table of every schema of ours, the queue's included. Answers `table: what`. */
export async function scanDatabase(
  databaseUrl: string,
  secrets: readonly CardSecrets[],
): Promise<{ tables: number; rows: number; found: string[] }> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const found: string[] = [];
    let count = 0;
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
      count += rows.length;
      found.push(...rows.flatMap(({ row }) => findCardData(row, secrets)).map((what) => `${name}: ${what}`));
    }
    return { tables: tables.length, rows: count, found };
  } finally {
    await client.end();
  }
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (const [index, digit] of [...digits].reverse().entries()) {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
