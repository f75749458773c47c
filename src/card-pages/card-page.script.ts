/**
 * Runs in the seller's browser. It shows times where the seller is, keeps the page up to date, and shows the card when a person asks
 * for it: number, date and CVC are drawn by Stripe in frames of its own origin, and this script never has them.
 */
export const cardPageScript = String.raw`(() => {
  'use strict';
  const facts = JSON.parse(document.getElementById('facts').textContent);
  const { texts, elements } = facts;
  const find = (id) => document.getElementById(id);
  const address = location.pathname;
  const ask = (path, init) => fetch(address + path, { credentials: 'same-origin', cache: 'no-store', ...init });
  const post = (path, body) =>
    ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

  const format = new Intl.DateTimeFormat(facts.tag, {
    year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short',
  });
  for (const time of document.querySelectorAll('time')) time.textContent = format.format(new Date(time.dateTime));

  // What nobody has in sight, a page loaded in advance say, nobody has viewed.
  const tellViewed = () => {
    if (document.visibilityState !== 'visible') return;
    document.removeEventListener('visibilitychange', tellViewed);
    post('/views', { page: facts.page }).catch(() => undefined);
  };
  document.addEventListener('visibilitychange', tellViewed);
  tellViewed();

  // A page that says something old says so itself: it asks for its version, and loads again when that is another.
  if (facts.pollMs > 0) {
    let waitMs = facts.pollMs;
    const look = async () => {
      if (document.visibilityState === 'visible') {
        try {
          const answer = await ask('/status');
          if (answer.status === 404) return location.reload();
          const isTyping = document.activeElement && document.activeElement.tagName === 'INPUT';
          if (answer.ok && (await answer.json()).version !== facts.version && !isTyping) return location.reload();
          waitMs = answer.ok ? facts.pollMs : Math.min(waitMs * 2, 60000);
        } catch {
          waitMs = Math.min(waitMs * 2, 60000);
        }
      }
      setTimeout(look, waitMs);
    };
    setTimeout(look, waitMs);
  }

  const hold = find('hold');
  if (!hold || !elements) return;

  const panel = find('show');
  const shown = find('shown');
  const plastic = find('plastic');
  const message = find('message');
  const typed = find('typed');
  const ending = find('ending');
  const remaining = find('remaining');
  const fields = ['number', 'expiry', 'cvc'];
  const kinds = { number: 'issuingCardNumberDisplay', expiry: 'issuingCardExpiryDisplay', cvc: 'issuingCardCvcDisplay' };
  const holdMs = 1000;
  const warnSeconds = 15;
  let mounted = [];
  let ticking;
  let isBusy = false;
  let stripe;

  const say = (text) => { message.textContent = text; };

  function hide() {
    clearInterval(ticking);
    const at = document.activeElement;
    const hadFocus = shown.contains(at) || plastic.contains(at);
    for (const element of mounted) element.destroy();
    const wereShown = mounted.length > 0;
    mounted = [];
    for (const field of fields) {
      find('dots-' + field).hidden = false;
      find(field).replaceChildren();
      find('copy-' + field).hidden = true;
    }
    shown.hidden = true;
    panel.hidden = false;
    if (!wereShown) return;
    say(texts.hiddenAgain);
    // What had the focus is gone: whoever goes by keyboard or by ear goes on from the button.
    if (hadFocus) hold.focus();
  }

  function show(key, nonce) {
    const instance = stripe.elements();
    const style = {
      base: { color: '#ffffff', fontFamily: 'ui-monospace, Menlo, Consolas, monospace', fontSize: matchMedia('(max-width: 22rem)').matches ? '16px' : '18px', fontWeight: '500', lineHeight: '24px' },
    };
    const options = { issuingCard: elements.stripeCardId, ephemeralKeySecret: key, nonce };
    for (const field of fields) {
      const display = instance.create(kinds[field], { ...options, style });
      const copy = instance.create('issuingCardCopyButton', { ...options, toCopy: field, style: { base: { fontSize: '12px', lineHeight: '24px' } } });
      find('dots-' + field).hidden = true;
      display.mount('#' + field);
      find('copy-' + field).hidden = false;
      copy.mount('#copy-' + field + '-frame');
      copy.on('click', () => { find('copied').textContent = texts.copied; });
      mounted.push(display, copy);
    }
    panel.hidden = true;
    shown.hidden = false;
    find('announce').textContent = texts.shown;
    const until = Date.now() + facts.shownMs;
    const tick = () => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      remaining.textContent = texts.remaining.replace('{seconds}', seconds);
      if (seconds === warnSeconds) find('announce').textContent = remaining.textContent;
      if (seconds <= 0) hide();
    };
    tick();
    ticking = setInterval(tick, 1000);
    find('hide').focus();
  }

  async function reveal(gesture) {
    if (isBusy) return;
    // Software that says it is software is no person.
    if (navigator.webdriver) return say(texts.automated);
    isBusy = true;
    hold.setAttribute('aria-disabled', 'true');
    say(texts.loading);
    try {
      if (!window.Stripe) return say(texts.loadFailed);
      stripe = stripe || window.Stripe(elements.publishableKey, { stripeAccount: elements.stripeAccount, betas: ['issuing_elements_2'], locale: facts.locale });
      const made = await stripe.createEphemeralKeyNonce({ issuingCard: elements.stripeCardId });
      if (made.error) return say(texts.unavailable);
      const answer = await post('/reveals', { page: facts.page, nonce: made.nonce, gesture });
      const body = await answer.json().catch(() => ({}));
      if (answer.status === 200) {
        const card = await stripe.retrieveIssuingCard(elements.stripeCardId, { ephemeralKeySecret: body.ephemeral_key_secret, nonce: made.nonce });
        if (card.error) return say(texts.unavailable);
        say('');
        return show(body.ephemeral_key_secret, made.nonce);
      }
      if (body.code === 'reload' || body.code === 'gone') return location.reload();
      say({ too_often: texts.tooOften, not_a_person: texts.tooShort, robot: texts.automated }[body.code] || texts.unavailable);
    } catch {
      say(texts.unavailable);
    } finally {
      isBusy = false;
      hold.removeAttribute('aria-disabled');
    }
  }

  // Holding: with a finger, a mouse, or a key. A click alone, however made, shows nothing.
  let since = 0;
  let timer;
  let wasHeld = false;
  function begin(event) {
    if (!event.isTrusted || since || isBusy) return;
    since = performance.now();
    wasHeld = false;
    hold.classList.add('held');
    say(texts.holding);
    timer = setTimeout(() => {
      const ms = Math.round(performance.now() - since);
      wasHeld = true;
      end();
      void reveal({ way: 'hold', ms });
    }, holdMs);
  }
  function end() {
    clearTimeout(timer);
    const began = since;
    since = 0;
    hold.classList.remove('held');
    if (began && !wasHeld) {
      say(texts.tooShort);
    }
  }
  hold.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    begin(event);
  });
  for (const kind of ['pointerup', 'pointercancel', 'pointerleave']) hold.addEventListener(kind, end);
  hold.addEventListener('blur', end);
  hold.addEventListener('contextmenu', (event) => event.preventDefault());
  hold.addEventListener('keydown', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    if (!event.repeat) begin(event);
  });
  hold.addEventListener('keyup', (event) => {
    if (event.key === ' ' || event.key === 'Enter') end();
  });
  // A screen reader's or a voice's click comes alone: it cannot hold, so the other way is offered.
  hold.addEventListener('click', (event) => {
    if (event.detail === 0 && event.isTrusted && !wasHeld) {
      typed.open = true;
      ending.focus();
    }
  });

  function submitTyped(event) {
    if (!event.isTrusted) return;
    const text = ending.value.replace(/\s/g, '');
    const isRight = text === facts.last4;
    ending.setAttribute('aria-invalid', String(!isRight));
    if (!isRight) {
      say(texts.typeWrong);
      return ending.focus();
    }
    void reveal({ way: 'typed', ending: text });
  }
  find('type-show').addEventListener('click', submitTyped);
  ending.addEventListener('keydown', (event) => { if (event.key === 'Enter') submitTyped(event); });

  find('hide').addEventListener('click', hide);
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') hide(); });
  addEventListener('pagehide', hide);
  addEventListener('beforeprint', hide);
})();
`;
