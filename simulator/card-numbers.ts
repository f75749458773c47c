import { randomInt } from 'node:crypto';
import type { Session } from './session';

// Stripe's own sandbox range for issued Visa cards.
const issuerPrefix = '400000999';
const bodyDigits = 15;

/** A sixteen-digit number that passes Luhn's check and that no other card has. */
export function newCardNumber(session: Session): string {
  for (let tries = 0; ; tries += 1) {
    // The range holds a million numbers. Where it is full, its neighbours are taken too.
    const prefix = issuerPrefix.slice(0, issuerPrefix.length - Math.floor(tries / 50));
    const digits = bodyDigits - prefix.length;
    const body = prefix + String(randomInt(10 ** digits)).padStart(digits, '0');
    const number = body + luhnDigit(body);
    const { changes } = session.db.run('insert or ignore into card_numbers (number) values (?)', number);
    if (changes === 1) return number;
  }
}

export function newCvc(): string {
  return String(randomInt(1000)).padStart(3, '0');
}

export function luhnDigit(body: string): string {
  let sum = 0;
  for (const [index, digit] of [...body].reverse().entries()) {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return String((10 - (sum % 10)) % 10);
}
