import { badParameter } from './errors';

const euro = 'AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK'.split(' ');
const others: Record<string, string> = {
  US: 'usd',
  GB: 'gbp',
  CA: 'cad',
  CH: 'chf',
  NO: 'nok',
  SE: 'sek',
  DK: 'dkk',
  PL: 'pln',
};

/** The currency an account of this country is paid and issues cards in, or undefined where Stripe does not go. */
export function currencyOf(country: string): string | undefined {
  return euro.includes(country) ? 'eur' : others[country];
}

const regions = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });

/** Two capital letters that mean a country: anything else would be a control that never matches. */
export function checkCountry(code: string, param: string): void {
  const known = /^[A-Z]{2}$/.test(code) && (regions.of(code) ?? 'Unknown Region') !== 'Unknown Region';
  if (known) return;
  throw badParameter(
    `Country '${code}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', 'EG', or 'GB'.`,
    param,
  );
}

/** Where cards can be issued by this simulator: the currencies a balance transfer knows. */
export const issuingCurrencies: readonly string[] = ['eur', 'gbp', 'usd'];
