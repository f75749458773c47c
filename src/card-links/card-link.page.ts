import { Money, majorUnitMinor } from '../shared/money';

/** All the page may say. There is no card number or CVC among it, so none can be shown. */
export type CardPage = Readonly<{
  marketplaceName: string;
  status: string;
  /** Asked for, left to spend, on hold at a merchant, charged. */
  amount: Money;
  left: Money;
  held: Money;
  paid: Money;
  mustMatchExactly: boolean;
  expiresAt: Date;
  /** ISO 3166 of the seller: decides the time zone and the way amounts are written. */
  country: string;
  card: Readonly<{ brand: string; last4: string; expMonth: number; expYear: number }> | null;
  controls: Readonly<{
    allowedCategories: readonly string[];
    blockedCategories: readonly string[];
    allowedMerchantCountries: readonly string[];
    blockedMerchantCountries: readonly string[];
  }>;
}>;

/** The zone most of a country's sellers keep; the page names it, so that nobody mistakes it for their own. */
const zones: Readonly<Record<string, string>> = {
  AT: 'Europe/Vienna',
  BE: 'Europe/Brussels',
  CY: 'Asia/Nicosia',
  DE: 'Europe/Berlin',
  EE: 'Europe/Tallinn',
  ES: 'Europe/Madrid',
  FI: 'Europe/Helsinki',
  FR: 'Europe/Paris',
  GB: 'Europe/London',
  GR: 'Europe/Athens',
  HR: 'Europe/Zagreb',
  IE: 'Europe/Dublin',
  IT: 'Europe/Rome',
  LT: 'Europe/Vilnius',
  LU: 'Europe/Luxembourg',
  LV: 'Europe/Riga',
  MT: 'Europe/Malta',
  NL: 'Europe/Amsterdam',
  PT: 'Europe/Lisbon',
  SI: 'Europe/Ljubljana',
  SK: 'Europe/Bratislava',
  US: 'America/New_York',
};

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');
}

/** `€250.00`, as people in that country write English amounts. Exact: whole units and cents are formatted as text, not as a float. */
export function localMoney({ amountMinor, currency }: Money, country: string): string {
  const format = new Intl.NumberFormat(`en-${country}`, { style: 'currency', currency: currency.toUpperCase() });
  const cents = (amountMinor % majorUnitMinor).toString().padStart(2, '0');
  return format.format(`${amountMinor / majorUnitMinor}.${cents}` as Intl.StringNumericLiteral);
}

function localTime(at: Date, country: string): string {
  const show = (timeZone: string): string =>
    new Intl.DateTimeFormat(`en-${country}`, {
      dateStyle: 'long',
      timeStyle: 'short',
      timeZone,
    }).format(at);
  const zone = zones[country];
  const utc = `<time datetime="${at.toISOString()}">${escape(show('UTC'))} UTC</time>`;
  if (zone === undefined) return utc;
  const city = zone.slice(zone.indexOf('/') + 1).replaceAll('_', ' ');
  return `<time datetime="${at.toISOString()}">${escape(show(zone))}, ${city} time</time> (${utc})`;
}

const countryNames = new Intl.DisplayNames(['en'], { type: 'region' });

function listInWords(words: readonly string[]): string {
  return escape(new Intl.ListFormat('en', { type: 'conjunction' }).format(words));
}

/** Stripe's `book_stores` reads as `book stores`. */
function categoryInWords(category: string): string {
  return category.replaceAll('_', ' ');
}

function countryInWords(country: string): string {
  return /^[A-Z]{2}$/.test(country) ? (countryNames.of(country) ?? country) : country;
}

/** Where the card works, in sentences a person can follow. */
export function whereInWords(controls: CardPage['controls']): string[] {
  const sentences: string[] = [];
  if (controls.allowedCategories.length > 0) {
    sentences.push(
      `Only at these kinds of merchants: ${listInWords(controls.allowedCategories.map(categoryInWords))}.`,
    );
  }
  if (controls.blockedCategories.length > 0) {
    sentences.push(`Not at these kinds of merchants: ${listInWords(controls.blockedCategories.map(categoryInWords))}.`);
  }
  if (controls.allowedMerchantCountries.length > 0) {
    sentences.push(`Only at merchants in ${listInWords(controls.allowedMerchantCountries.map(countryInWords))}.`);
  }
  if (controls.blockedMerchantCountries.length > 0) {
    sentences.push(`Not at merchants in ${listInWords(controls.blockedMerchantCountries.map(countryInWords))}.`);
  }
  return sentences.length > 0 ? sentences : ['Anywhere the card brand is accepted.'];
}

/** What the payout's status means to the person holding the card. */
function statusInWords(page: CardPage): { title: string; text: string } {
  const money = (amount: Money): string => localMoney(amount, page.country);
  switch (page.status) {
    case 'pending':
    case 'funding':
      return {
        title: 'On its way',
        text: 'The money for this card is still being moved. Come back to this page later.',
      };
    case 'issuing':
      return { title: 'Almost ready', text: 'The card is being made. Come back to this page in a minute.' };
    case 'ready':
      return { title: 'Ready to use', text: 'This card works for one purchase. What is left afterwards goes back.' };
    case 'authorized':
      return { title: 'In use', text: `A merchant has reserved ${money(page.held)}. The card cannot be used again.` };
    case 'settled':
      return { title: 'Used', text: `${money(page.paid)} was charged. The card cannot be used again.` };
    case 'closed':
      return page.paid.amountMinor > 0n
        ? { title: 'Used', text: `${money(page.paid)} was charged. The card cannot be used again.` }
        : { title: 'Ended', text: 'This card was not used and no longer works.' };
    default:
      return { title: 'Ended', text: 'This card no longer works.' };
  }
}

const style = `
:root{color-scheme:light dark;--ink:#1a1d21;--paper:#fff;--quiet:#4a5058;--line:#c9ced6;--accent:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ink:#f1f3f5;--paper:#15181c;--quiet:#b6bdc6;--line:#444b55;--accent:#8ec5ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.4rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:1.5rem 0 .25rem}
p,ul,dl{margin:.25rem 0}ul{padding-left:1.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
.status{border:1px solid var(--line);border-left:.4rem solid var(--accent);border-radius:.4rem;padding:.75rem 1rem;margin-top:1rem}
label{display:block;margin-top:1rem}
input,button{font:inherit;min-height:2.75rem;padding:.25rem .75rem;border:1px solid var(--quiet);border-radius:.4rem;background:var(--paper);color:var(--ink)}
button{background:var(--accent);color:var(--paper);border-color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}`;

function documentOf(nonce: string, title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<title>${escape(title)}</title>
<style nonce="${nonce}">${style}
</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

/** The card, without its number: what it is for, where and until when it works, and what became of it. */
export function renderCardPage(page: CardPage, nonce: string): string {
  const status = statusInWords(page);
  const showMoney = (amount: Money): string => escape(localMoney(amount, page.country));
  const card = page.card
    ? `<h2>Card</h2>
<dl>
<dt>Brand</dt><dd>${escape(page.card.brand)}</dd>
<dt>Number ends in</dt><dd>${escape(page.card.last4)}</dd>
<dt>Valid through</dt><dd>${page.card.expMonth.toString().padStart(2, '0')}/${page.card.expYear}</dd>
</dl>
<p>This page does not show the full number or security code. ${escape(page.marketplaceName)} shows them to you.</p>`
    : '';
  return documentOf(
    nonce,
    `Card from ${page.marketplaceName}`,
    `<h1>Card from ${escape(page.marketplaceName)}</h1>
<div class="status" role="status"><strong>${escape(status.title)}.</strong> ${escape(status.text)}</div>
<h2>Amount</h2>
<dl>
<dt>Card amount</dt><dd>${showMoney(page.amount)}</dd>
<dt>Left to spend</dt><dd>${showMoney(page.left)}</dd>
</dl>
${page.mustMatchExactly ? `<p>The purchase must be exactly ${showMoney(page.amount)}.</p>` : ''}
<h2>Where it works</h2>
<ul>
${whereInWords(page.controls)
  .map((sentence) => `<li>${sentence}</li>`)
  .join('\n')}
</ul>
<h2>Until when</h2>
<p>${localTime(page.expiresAt, page.country)}</p>
${card}`,
  );
}

/** Asks for the passcode. The form posts to its own address; without a passcode it does nothing. */
export function renderPasscodePage(marketplaceName: string, nonce: string, wasWrong: boolean): string {
  const problem = wasWrong
    ? '<p id="problem" class="status" role="alert">That passcode is not right. After five wrong tries the link is locked.</p>'
    : '';
  return documentOf(
    nonce,
    `Card from ${marketplaceName}`,
    `<h1>Card from ${escape(marketplaceName)}</h1>
<p>This link is protected by a passcode of six digits. You received it from ${escape(marketplaceName)}.</p>
${problem}
<form method="post" autocomplete="off">
<label for="passcode">Passcode</label>
<input id="passcode" name="passcode" inputmode="numeric" pattern="[0-9]{6}" maxlength="6" required autocomplete="one-time-code"${
      wasWrong ? ' aria-invalid="true" aria-describedby="problem"' : ''
    }>
<button type="submit">Show the card</button>
</form>`,
  );
}

/** One page for unknown, revoked, replaced, locked and expired links: an outsider learns nothing from it. */
export function renderNoSuchLinkPage(nonce: string): string {
  return documentOf(
    nonce,
    'Link not available',
    `<h1>This link is not available</h1>
<p>It may have expired, or a newer link may have replaced it. Ask the marketplace that sent it for a new one.</p>`,
  );
}
