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

/** Where cards can be issued by this simulator: the currencies a balance transfer knows. */
export const issuingCurrencies: readonly string[] = ['eur', 'gbp', 'usd'];
