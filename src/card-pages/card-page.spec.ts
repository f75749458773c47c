import { declineReasons, stripeReasons, undecidedReasons } from '../authorization-decisions/authorization-reason.types';
import { cardStates, declineAdvices, Locale, locales } from '../card-page-texts/card-page-text.types';
import { CardPageTexts } from '../card-page-texts/card-page-texts.service';
import { payoutStatuses } from '../payouts/payout.types';
import { renderPage, whereInWords, PageSetting } from './card-page.html';
import {
  adviceOn,
  approvals,
  isAdvised,
  isPersonal,
  phoneEnding,
  readRevealRequest,
  spentMinor,
  stateOf,
  versionOf,
} from './card-page.policy';
import { CardPage } from './card-page.types';
import { html, json } from './html';

const usd = (amountMinor: bigint) => ({ amountMinor, currency: 'usd' as const });
const card: CardPage = {
  state: 'ready',
  amount: usd(250_00n),
  left: usd(250_00n),
  spent: usd(0n),
  mustMatchExactly: false,
  expiresAt: new Date('2026-12-01T12:00:00Z'),
  card: { brand: 'Visa', last4: '4242' },
  elements: { publishableKey: 'pk_test_1', stripeAccount: 'acct_1', stripeCardId: 'ic_1' },
  phoneEnding: '78',
  controls: {
    allowedCategories: [],
    blockedCategories: [],
    allowedMerchantCountries: [],
    blockedMerchantCountries: [],
  },
  events: [],
  decline: null,
};
const words = (locale: Locale) =>
  new CardPageTexts().wordsFor({ asked: locale, preferred: null, acceptLanguage: undefined });
const setting = (locale: Locale = 'en', marketplaceName = 'Rocket Rides'): PageSetting => ({
  words: words(locale),
  nonce: 'n0nce',
  marketplaceName,
  stripeJsUrl: 'https://js.stripe.com/clover/stripe.js',
  pageToken: 'token',
});
const render = (change: Partial<CardPage> = {}, locale: Locale = 'en') =>
  renderPage({ face: 'card', page: { ...card, ...change }, version: 'v' }, setting(locale));

describe('templates', () => {
  it('escape whatever they are given, wherever it stands', () => {
    const bad = `"><script>alert('1')</script>&`;

    expect(html`<p title="${bad}">${bad}</p>`.text).not.toMatch(/<script|alert\('|""/);
    expect(html`${[html`<i>${bad}</i>`, bad]}${null}${false}${undefined}${0}`.text).toMatch(/^<i>&quot;.*0$/);
    expect(html`<i>${html`<b>${'<'}</b>`}</i>`.text).toBe('<i><b>&lt;</b></i>');
  });

  it('let no data end its script element', () => {
    const data = { name: '</script><!-- \u2028 &' };

    expect(json(data).text).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(json(data).text)).toEqual(data);
  });

  it('escape merchants and marketplaces on the page', () => {
    const name = `<img src=x onerror="alert(1)">`;
    const page = renderPage(
      {
        face: 'card',
        version: 'v',
        page: {
          ...card,
          events: [{ what: 'charged', amount: usd(5n), merchant: name, at: card.expiresAt }],
          decline: { advice: 'too_much', amount: usd(5n), merchant: name, at: card.expiresAt },
        },
      },
      setting('en', name),
    );

    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
  });
});

describe('the page', () => {
  it.each(locales.flatMap((locale) => cardStates.map((state) => [locale, state] as const)))(
    'in %s has words for a card that is %s',
    (locale, state) => {
      const page = render({ state, card: null, elements: null }, locale);

      expect(page).toContain(`<html lang="${locale}">`);
      expect(page).toContain(words(locale).texts.states[state].badge);
      expect(page.replaceAll(/<script[^]*?<\/script>/g, '')).not.toMatch(/undefined|\[object|\bnull\b/);
    },
  );

  it('gives Stripe’s script only to a card that can be shown', () => {
    expect(render()).toContain('src="https://js.stripe.com/clover/stripe.js"');
    expect(render({ elements: null })).not.toContain('js.stripe.com');
  });

  it('tells the rules of the card', () => {
    const controls = {
      ...card.controls,
      allowedCategories: ['book_stores', 'bakeries'],
      blockedMerchantCountries: ['FR'],
    };

    expect(whereInWords(controls, words('en'))).toEqual([
      'Only at these kinds of merchants: bookstores and bakeries.',
      'Not at merchants in: France.',
    ]);
    expect(whereInWords(card.controls, words('de'))).toEqual(['Überall, wo Karten dieser Marke angenommen werden.']);
    expect(whereInWords({ ...card.controls, allowedMerchantCountries: ['DE', 'US'] }, words('it'))).toEqual([
      'Solo presso esercenti in: Germania e Stati Uniti.',
    ]);
  });

  it('has another version whenever it says something else', () => {
    expect(versionOf(card)).toBe(versionOf({ ...card }));
    expect(versionOf({ ...card, left: usd(1n) })).not.toBe(versionOf(card));
  });
});

describe('a refused payment', () => {
  it.each(locales)('is advised on in %s, whatever refusal of ours or of Stripe’s it met', (locale) => {
    const { advice } = words(locale).texts.decline;
    for (const reason of [...declineReasons, ...undecidedReasons, ...stripeReasons]) {
      if (approvals.includes(reason)) continue;
      expect([reason, isAdvised(reason)]).toEqual([reason, true]);
      expect(advice[adviceOn(reason)].what).toMatch(/\S.+[.]$/);
      expect(advice[adviceOn(reason)].now).toMatch(/\S.+[.]$/);
    }
    expect(Object.keys(advice).sort()).toEqual([...declineAdvices].sort());
    expect(adviceOn('a_reason_of_tomorrow')).toBe('ask_marketplace');
  });
});

describe('who is a person', () => {
  it('held the button, or typed the card’s own digits', () => {
    expect(isPersonal({ way: 'hold', ms: 1_000 }, '4242')).toBe(true);
    expect(isPersonal({ way: 'hold', ms: 20 }, '4242')).toBe(false);
    expect(isPersonal({ way: 'hold', ms: NaN }, '4242')).toBe(false);
    expect(isPersonal({ way: 'typed', ending: ' 42 42' }, '4242')).toBe(true);
    for (const ending of ['', '0000', 'test']) expect(isPersonal({ way: 'typed', ending }, '4242')).toBe(false);
    expect(isPersonal({ way: 'typed', ending: '' }, null)).toBe(false);
  });

  it('asks as our script does, and no other way', () => {
    const good = { page: 'p', nonce: 'ephkn_0123456789', gesture: { way: 'hold', ms: 1_000 } };
    expect(readRevealRequest(good)).toEqual({ pageToken: 'p', nonce: good.nonce, gesture: good.gesture });
    for (const change of [
      { page: 1 },
      { nonce: '' },
      { nonce: 'a b c d e f' },
      { gesture: null },
      { gesture: { way: 'click' } },
    ])
      expect(readRevealRequest({ ...good, ...change })).toBeNull();
    for (const odd of [null, undefined, 'x', 7, []]) expect(readRevealRequest(odd)).toBeNull();
  });

  it('knows a phone number by its last two digits', () => {
    expect(phoneEnding('+4915112345678')).toBe('78');
    expect(phoneEnding(undefined)).toBeNull();
  });
});

it.each(payoutStatuses)('a payout that is %s has a face', (status) => {
  const [before, after] = [-1, 1].map((ms) => new Date(card.expiresAt.getTime() + ms)) as [Date, Date];
  const payout = { status, expiresAt: card.expiresAt };

  expect(cardStates).toContain(stateOf(payout, null, false, before));
  expect(['ready', 'paused', 'funding', 'making']).not.toContain(stateOf(payout, null, false, after));
  if (['closed', 'expired', 'canceled', 'failed'].includes(status))
    expect(stateOf(payout, null, true, after)).toBe('used');
});

it('what was spent is what was charged less what came back', () => {
  const spent = (...amounts: bigint[]) => spentMinor(amounts.map((amountMinor) => ({ amountMinor })));

  expect(spent()).toBe(0n);
  expect(spent(-70_00n, 25_00n)).toBe(45_00n);
  expect(spent(-70_00n, 70_00n, -70_00n)).toBe(70_00n);
  expect(spent(-70_00n, 80_00n)).toBe(0n);
});
