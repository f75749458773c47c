import { renderPage } from '../../src/card-pages/card-page.html';
import { CardPage, Face } from '../../src/card-pages/card-page.types';
import { CardState, cardStates, Locale } from '../../src/card-page-texts/card-page-text.types';
import { CardPageTexts } from '../../src/card-page-texts/card-page-texts.service';

const eur = (amountMinor: bigint) => ({ amountMinor, currency: 'eur' as const });
const at = new Date('2026-12-01T12:00:00Z');
// As long as names and sums get, and without a place to break them.
const marketplaceName = 'Donaudampfschifffahrtsgesellschaft & Söhne';
const merchant = 'WWW.AVERYLONGMERCHANTNAME.EXAMPLE*ORDER-1234567';
const amount = eur(1_234_567_89n);

const events: CardPage['events'] = [
  { what: 'refund_taken_back', amount: eur(1_00n), merchant, at },
  { what: 'refunded', amount: eur(25_00n), merchant, at },
  { what: 'charged', amount, merchant, at },
  { what: 'released', amount: eur(3_00n), merchant: null, at },
  { what: 'reserved', amount: eur(70_00n), merchant, at },
];

function card(state: CardState): CardPage {
  const isOver = !['funding', 'making', 'ready', 'paused'].includes(state);
  return {
    state,
    amount,
    left: isOver ? eur(0n) : amount,
    spent: state === 'used' ? eur(1_234_543_89n) : eur(0n),
    mustMatchExactly: state === 'paused',
    expiresAt: at,
    card: state === 'funding' || state === 'making' ? null : { brand: 'Visa', last4: '4242' },
    elements: state === 'ready' ? { publishableKey: 'pk_test_1', stripeAccount: 'acct_1', stripeCardId: 'ic_1' } : null,
    phoneEnding: state === 'ready' ? '78' : null,
    controls: {
      allowedCategories: state === 'paused' ? ['electrical_services', 'durable_goods'] : [],
      blockedCategories: state === 'ready' ? ['betting_casino_gambling', 'wires_money_orders'] : [],
      allowedMerchantCountries: state === 'ready' ? ['DE', 'AT', 'BA'] : [],
      blockedMerchantCountries: state === 'paused' ? ['US', 'CD'] : [],
    },
    events: state === 'used' ? events : state === 'reserved' ? events.slice(-1) : [],
    decline: state === 'ready' || state === 'used' ? { advice: 'already_used', amount, merchant, at } : null,
  };
}

/** Every face the page has. */
export const faces: Readonly<Record<string, Face>> = {
  ...Object.fromEntries(
    cardStates.map((state): [string, Face] => [`card-${state}`, { face: 'card', page: card(state), version: 'v' }]),
  ),
  gone: { face: 'gone' },
  arriving: { face: 'arriving' },
  busy: { face: 'busy', retryAfterSeconds: 59 },
  'ended-expired': { face: 'ended', because: 'expired' },
  'ended-revoked': { face: 'ended', because: 'revoked' },
  'ended-replaced': { face: 'ended', because: 'replaced' },
  'ended-locked': { face: 'ended', because: 'locked' },
  elsewhere: { face: 'elsewhere' },
  passcode: { face: 'passcode', problem: null, isMove: false },
  'passcode-move': { face: 'passcode', problem: 'not_six_digits', isMove: true },
  'passcode-stale': { face: 'passcode', problem: 'stale', isMove: false },
  'passcode-wrong': { face: 'passcode', problem: 'wrong', isMove: false },
};

export function draw(face: Face, locale: Locale): string {
  return renderPage(face, {
    words: new CardPageTexts().wordsFor({ asked: locale, preferred: null, acceptLanguage: undefined }),
    nonce: 'n0nce',
    marketplaceName,
    stripeJsUrl: '/stripe.js',
    pageToken: 'token',
  });
}
