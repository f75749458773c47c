import { CardState, Words } from '../card-page-texts/card-page-text.types';
import { Config } from '../platform/config/config';
import { cardPageCss } from './card-page.css';
import { cardPageScript } from './card-page.script';
import { CardPage, Face } from './card-page.types';
import { html, Html, json, raw } from './html';

/** How long details stay in sight. */
const shownMs = 60_000;
const pollMsWaiting = 4_000;
const pollMsUsable = 15_000;

/** What a page is made with, beside what it says. */
export type PageSetting = Readonly<{
  words: Words;
  /** For the one style and the scripts of this answer. */
  nonce: string;
  marketplaceName: string;
  stripeJsUrl: string;
  /** Proves to us that a form or a script comes from this very page. */
  pageToken: string;
}>;

/** Where Stripe.js comes from: Stripe's own, or the simulator's where that is Stripe. https://docs.stripe.com/sdks/stripejs-versioning */
export function stripeJsUrlOf(config: Config): string {
  if (config.stripeJsUrl !== undefined) return config.stripeJsUrl;
  return config.stripeApiBase === 'https://api.stripe.com'
    ? 'https://js.stripe.com/clover/stripe.js'
    : `${config.stripeApiBase}/v3/`;
}

/** The page of a face, whole. */
export function renderPage(face: Face, setting: PageSetting): string {
  const { texts } = setting.words;
  switch (face.face) {
    case 'gone':
      return alone(setting, texts.gone.title, html`<p class="lead">${texts.gone.text}</p>`);
    case 'ended': {
      const { title, text } = texts.ended[face.because];
      return alone(setting, title, html`<p class="lead">${text}</p>`);
    }
    case 'elsewhere':
      return alone(setting, texts.elsewhere.title, html`<p class="lead">${texts.elsewhere.text}</p>`);
    case 'busy':
      return alone(
        setting,
        texts.busy.title,
        html`<p class="lead">${texts.busy.text(setting.words.number(face.retryAfterSeconds))}</p>
          <p><a href="">${texts.refresh}</a></p>`,
      );
    case 'arriving':
      return page(
        setting,
        texts.arriving.title,
        html`<div class="alone">
          <h1>${texts.arriving.title}</h1>
          <p><a href="?here=1">${texts.arriving.go}</a></p>
        </div>`,
        html`<meta http-equiv="refresh" content="0;url=?here=1" />`,
      );
    case 'passcode':
      return passcodePage(face, setting);
    case 'card':
      return cardPage(face.page, face.version, setting);
  }
}

function passcodePage(face: Extract<Face, { face: 'passcode' }>, setting: PageSetting): string {
  const { texts } = setting.words;
  const { passcode } = texts;
  const problem = face.problem && passcode.problems[face.problem];
  return alone(
    setting,
    passcode.title,
    html`<p class="lead">${face.isMove ? passcode.move : passcode.text(setting.marketplaceName)}</p>
      ${problem && html`<p class="notice bad" role="alert" id="problem">${problem}</p>`}
      <form method="post" autocomplete="off">
        <input type="hidden" name="page" value="${setting.pageToken}" />
        <label for="passcode">${passcode.label} <span class="hint" id="hint">${passcode.hint}</span></label>
        <input
          id="passcode"
          name="passcode"
          inputmode="numeric"
          autocomplete="one-time-code"
          maxlength="12"
          required
          aria-describedby="hint${problem ? ' problem' : ''}"
          ${problem && raw('aria-invalid="true"')}
        />
        <button class="go" type="submit">${passcode.submit}</button>
      </form>`,
    problem ? `${problem} – ${passcode.title}` : passcode.title,
  );
}

const tones: Readonly<Record<CardState, 'good' | 'calm' | 'warn' | 'bad'>> = {
  funding: 'calm',
  making: 'calm',
  ready: 'good',
  paused: 'warn',
  reserved: 'calm',
  used: 'good',
  unused: 'calm',
  expired: 'warn',
  canceled: 'bad',
  failed: 'bad',
};
const isStillUsable = (state: CardState): boolean => ['funding', 'making', 'ready', 'paused'].includes(state);
const isWaiting = (state: CardState): boolean => state === 'funding' || state === 'making';

function cardPage(card: CardPage, version: string, setting: PageSetting): string {
  const { words, marketplaceName } = setting;
  const { texts } = words;
  const state = texts.states[card.state];
  const title = texts.cardFrom(marketplaceName);
  const facts = [
    sums(card, words),
    history(card, words),
    isStillUsable(card.state) ? conditions(card, setting) : null,
  ].filter((section) => section !== null);
  const body = html`<h1><span class="from">${title}</span> <span class="sum">${words.money(card.amount)}</span></h1>
    <p class="badge ${tones[card.state]}">${state.badge}</p>
    <p class="lead">${state.text}</p>
    ${declineNotice(card, words)} ${card.card && plastic(card, setting)} ${card.elements && showPanel(card, words)}
    ${facts.length > 0 && html`<div class="facts">${facts}</div>`}
    ${
      isWaiting(card.state) &&
      html`<noscript
        ><p class="lead"><a href="">${texts.refresh}</a></p></noscript
      >`
    }`;
  const scriptFacts = {
    page: setting.pageToken,
    version,
    tag: words.speech.tag,
    locale: words.speech.locale,
    // What is over does not change any more.
    pollMs: isWaiting(card.state)
      ? pollMsWaiting
      : ['ready', 'paused', 'reserved', 'used'].includes(card.state)
        ? pollMsUsable
        : 0,
    shownMs,
    last4: card.elements && card.card?.last4,
    elements: card.elements,
    texts: texts.show,
  };
  const scripts = html`<script type="application/json" id="facts">
      ${json(scriptFacts)}
    </script>
    ${card.elements && html`<script src="${setting.stripeJsUrl}" nonce="${setting.nonce}"></script>`}
    <script nonce="${setting.nonce}">
      ${raw(cardPageScript)};
    </script>`;
  return page(setting, `${state.badge} – ${title}`, html`${body} ${scripts}`);
}

const copyIcon = raw(
  '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1"/></svg>',
);

/** The card as a picture of one. What is secret comes into the empty places, in frames of Stripe's. */
function plastic({ card, state }: CardPage, { words, marketplaceName }: PageSetting): Html {
  const { texts } = words;
  const field = (name: 'number' | 'expiry' | 'cvc', dots: string) =>
    html`<div class="field ${name}">
      <p class="label">${texts.card[name]}</p>
      <div class="line">
        <div class="value">
          <span id="dots-${name}"
            ><span aria-hidden="true">${dots}</span><span class="sr">${texts.card.hidden}</span></span
          >
          <div id="${name}"></div>
        </div>
        <div class="copy" id="copy-${name}" title="${texts.card.copy[name]}" hidden>
          ${copyIcon}
          <div id="copy-${name}-frame"></div>
        </div>
      </div>
    </div>`;
  return html`<section
    class="plastic${isStillUsable(state) ? '' : ' dead'}"
    id="plastic"
    aria-label="${texts.card.title}"
  >
    <p class="plastic-top"><span>${marketplaceName}</span> <span>${card!.brand}</span></p>
    <p class="sr">${texts.card.picture(card!.brand, card!.last4)}</p>
    ${field('number', `•••• •••• •••• ${card!.last4}`)}
    ${isStillUsable(state) && html`<div class="pair">${field('expiry', '••/••')} ${field('cvc', '•••')}</div>`}
  </section>`;
}

function showPanel({ card }: CardPage, { texts }: Words): Html {
  const { show } = texts;
  return html`<noscript><p class="notice warn">${show.needsScript}</p></noscript>
    <section class="panel" id="show" aria-labelledby="show-title">
      <h2 class="sr" id="show-title">${show.title}</h2>
      <button class="hold" id="hold" type="button" aria-describedby="hold-hint"><span>${show.hold}</span></button>
      <p class="hint" id="hold-hint">${show.holdHint}</p>
      <details id="typed">
        <summary>${show.cannotHold}</summary>
        <label for="ending">${show.typeLabel(card!.last4)}</label>
        <input id="ending" inputmode="numeric" autocomplete="off" maxlength="8" aria-describedby="message" />
        <button class="plain" id="type-show" type="button">${show.typeSubmit}</button>
      </details>
      <p class="message" id="message" role="status"></p>
    </section>
    <section class="panel shown" id="shown" aria-label="${show.title}" hidden>
      <p id="remaining"></p>
      <button class="plain" id="hide" type="button">${show.hide}</button>
      <p class="sr" id="announce" role="status"></p>
      <p class="sr" id="copied" role="status"></p>
    </section>`;
}

function declineNotice({ decline }: CardPage, words: Words): Html | null {
  if (!decline) return null;
  const { texts } = words;
  const advice = texts.decline.advice[decline.advice];
  return html`<section class="notice warn">
    <h2>${texts.decline.title(words.money(decline.amount), decline.merchant ?? texts.history.someMerchant)}</h2>
    <p>${advice.what}</p>
    <p>${advice.now}</p>
    <p>${time(decline.at, words)}</p>
  </section>`;
}

function sums(card: CardPage, words: Words): Html | null {
  if (isWaiting(card.state)) return null;
  const [label, amount] = isStillUsable(card.state)
    ? ([words.texts.left, card.left] as const)
    : ([words.texts.spent, card.spent] as const);
  if (!isStillUsable(card.state) && card.spent.amountMinor === 0n) return null;
  return html`<section>
    <dl class="sums">
      <dt>${label}</dt>
      <dd>${words.money(amount)}</dd>
    </dl>
  </section>`;
}

function history({ events }: CardPage, words: Words): Html | null {
  if (events.length === 0) return null;
  const { history: texts } = words.texts;
  return html`<section>
    <h2>${texts.title}</h2>
    <ul class="events">
      ${events.map(
        ({ what, amount, merchant, at }) =>
          html`<li>
            <span>${texts.events[what](words.money(amount), merchant ?? texts.someMerchant)}</span> ${time(at, words)}
          </li>`,
      )}
    </ul>
  </section>`;
}

function conditions(card: CardPage, { words, marketplaceName }: PageSetting): Html {
  const { where, when, rules } = words.texts;
  const amount = words.money(card.amount);
  return html`<section>
      <h2>${where.title}</h2>
      <ul>
        ${whereInWords(card.controls, words).map((sentence) => html`<li>${sentence}</li>`)}
      </ul>
    </section>
    <section>
      <h2>${when.title}</h2>
      <p>${time(card.expiresAt, words)}</p>
      <p class="hint">${when.until}</p>
    </section>
    <section>
      <h2>${rules.title}</h2>
      <ul>
        <li>${card.mustMatchExactly ? rules.exact(amount) : rules.upTo(amount)}</li>
        <li>${rules.once}</li>
        <li>${card.phoneEnding === null ? rules.noPhone(marketplaceName) : rules.phone(card.phoneEnding)}</li>
      </ul>
    </section>`;
}

/** Where the card works, in sentences a person can follow. */
export function whereInWords(controls: CardPage['controls'], words: Words): string[] {
  const { where } = words.texts;
  const kinds = (list: readonly string[]) => words.list(list.map((category) => words.category(category)));
  const countries = (list: readonly string[]) => words.list(list.map((code) => words.country(code)));
  const sentences = [
    controls.allowedCategories.length > 0 && where.onlyKinds(kinds(controls.allowedCategories)),
    controls.blockedCategories.length > 0 && where.notKinds(kinds(controls.blockedCategories)),
    controls.allowedMerchantCountries.length > 0 && where.onlyCountries(countries(controls.allowedMerchantCountries)),
    controls.blockedMerchantCountries.length > 0 && where.notCountries(countries(controls.blockedMerchantCountries)),
  ].filter((sentence) => sentence !== false);
  return sentences.length > 0 ? sentences : [where.anywhere];
}

function time(at: Date, words: Words): Html {
  return html`<time datetime="${at.toISOString()}">${words.utc(at)}</time>`;
}

/** One message and perhaps one form, in the middle of the page. */
function alone(setting: PageSetting, heading: string, body: Html, title = heading): string {
  return page(
    setting,
    title,
    html`<div class="alone">
      <h1><span class="from">${setting.marketplaceName}</span> ${heading}</h1>
      ${body}
    </div>`,
  );
}

function page(setting: PageSetting, title: string, body: Html, head: Html | null = null): string {
  const { words, nonce } = setting;
  const { locale } = words.speech;
  return html`<!doctype html>
    <html lang="${locale}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex, nofollow" />
        <meta name="referrer" content="no-referrer" />
        ${head}
        <title>${title}</title>
        <style nonce="${nonce}">
          ${raw(cardPageCss)}
        </style>
      </head>
      <body>
        <main>${body}</main>
        <footer>
          <nav aria-label="${words.texts.languages}">
            <ul>
              ${words.languages.map((each) =>
                each.locale === locale
                  ? html`<li><span class="here" aria-current="true">${each.name}</span></li>`
                  : html`<li>
                      <a href="?lang=${each.locale}" lang="${each.locale}" hreflang="${each.locale}">${each.name}</a>
                    </li>`,
              )}
            </ul>
          </nav>
        </footer>
      </body>
    </html>`.text.trimStart();
}
