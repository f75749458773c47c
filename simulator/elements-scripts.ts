/** Runs in the merchant's page. It hands keys to the frames and never sees a number. */
export const stripeScript = String.raw`(() => {
  'use strict';
  const origin = new URL(document.currentScript.src).origin;
  const types = {
    issuingCardNumberDisplay: 'number',
    issuingCardCvcDisplay: 'cvc',
    issuingCardExpiryDisplay: 'expiry',
    issuingCardPinDisplay: 'pin',
    issuingCardCopyButton: 'copy',
  };

  class Element {
    constructor(stripe, type, options) {
      if (!types[type]) throw new Error('A valid Element name must be provided. ' + type + ' is not one this simulator knows.');
      if (!options || !options.issuingCard) throw new Error('issuingCard must be provided.');
      this._stripe = stripe;
      this._type = type;
      this._options = { ...options };
      this._listeners = {};
      this._receive = (event) => {
        if (!this._frame || event.source !== this._frame.contentWindow || event.origin !== origin) return;
        if (event.data.kind === 'loaded') this._send();
        else this._emit(event.data.kind, event.data.detail || {});
      };
    }
    mount(target) {
      const parent = typeof target === 'string' ? document.querySelector(target) : target;
      if (!parent) throw new Error('The selector you specified (' + target + ') applies to no DOM elements that are currently on the page.');
      this.unmount();
      window.addEventListener('message', this._receive);
      const frame = document.createElement('iframe');
      frame.title = 'Secure card display';
      frame.allow = 'clipboard-write';
      frame.style.cssText = 'border:0;width:100%;height:' + (this._type === 'issuingCardCopyButton' ? '100%' : '1.4em') + ';display:block;background:transparent';
      frame.src = origin + '/v3/element';
      this._frame = frame;
      parent.replaceChildren(frame);
    }
    unmount() {
      window.removeEventListener('message', this._receive);
      if (this._frame) this._frame.remove();
      this._frame = undefined;
    }
    destroy() { this.unmount(); }
    update(options) {
      this._options = { ...this._options, ...options };
      if (this._frame) this._send();
    }
    on(kind, listener) {
      (this._listeners[kind] = this._listeners[kind] || []).push(listener);
      return this;
    }
    off(kind, listener) {
      this._listeners[kind] = (this._listeners[kind] || []).filter((one) => one !== listener);
      return this;
    }
    _emit(kind, detail) {
      for (const listener of this._listeners[kind] || []) listener({ elementType: this._type, ...detail });
    }
    _send() {
      const known = this._stripe._keys[this._options.issuingCard] || {};
      const ephemeralKeySecret = this._options.ephemeralKeySecret || known.ephemeralKeySecret;
      const nonce = this._options.nonce || known.nonce;
      const message = {
        kind: 'show', what: types[this._type], toCopy: this._options.toCopy, style: this._options.style || {},
        card: this._options.issuingCard, key: this._stripe._key, account: this._stripe._account, ephemeralKeySecret, nonce,
      };
      this._frame.contentWindow.postMessage(message, origin);
    }
  }

  window.Stripe = (key, options = {}) => {
    if (typeof key !== 'string' || !key.startsWith('pk_')) throw new Error('Please call Stripe() with your publishable key.');
    const stripe = {
      _key: key,
      _account: options.stripeAccount,
      _keys: {},
      createEphemeralKeyNonce: async ({ issuingCard }) => {
        if (!issuingCard) return { error: { type: 'validation_error', message: 'issuingCard must be provided.' } };
        const bytes = crypto.getRandomValues(new Uint8Array(24));
        return { nonce: 'ephkn_' + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') };
      },
      retrieveIssuingCard: async (card, { ephemeralKeySecret, nonce }) => {
        const headers = { Authorization: 'Bearer ' + ephemeralKeySecret, 'Stripe-Nonce': nonce, 'Stripe-Publishable-Key': key };
        if (options.stripeAccount) headers['Stripe-Account'] = options.stripeAccount;
        const answer = await fetch(origin + '/v3/issuing_cards/' + encodeURIComponent(card), { headers });
        const json = await answer.json();
        if (!answer.ok) return { error: json.error };
        stripe._keys[card] = { ephemeralKeySecret, nonce };
        return { issuingCard: json };
      },
      elements: () => ({ create: (type, elementOptions) => new Element(stripe, type, elementOptions) }),
    };
    return stripe;
  };
  window.Stripe.version = 3;
})();
`;

/** Runs in the frame, on the simulator's origin: fetches the card's secrets and shows one of them. */
export const frameScript = String.raw`(() => {
  'use strict';
  const shown = document.getElementById('shown');
  const allowed = ['color', 'fontFamily', 'fontSize', 'fontStyle', 'fontVariant', 'fontWeight', 'letterSpacing', 'lineHeight', 'textAlign', 'textDecoration', 'textShadow', 'textTransform'];
  let target;
  const tell = (kind, detail) => target.source.postMessage({ kind, detail }, target.origin);

  const texts = {
    number: (card) => card.number.replace(/(.{4})(?=.)/g, '$1 '),
    cvc: (card) => card.cvc,
    expiry: (card) => String(card.exp_month).padStart(2, '0') + '/' + String(card.exp_year).slice(-2),
    pin: () => '',
  };
  const copied = { ...texts, number: (card) => card.number };

  async function show(message) {
    const headers = { Authorization: 'Bearer ' + message.ephemeralKeySecret, 'Stripe-Nonce': message.nonce, 'Stripe-Publishable-Key': message.key };
    if (message.account) headers['Stripe-Account'] = message.account;
    const answer = await fetch('/v3/issuing_cards/' + encodeURIComponent(message.card) + '/secrets', { headers });
    const card = await answer.json();
    if (!answer.ok) return tell('error', { error: card.error });
    const style = message.style.base || message.style;
    for (const name of allowed) if (typeof style[name] === 'string') shown.style[name] = style[name];
    if (message.what === 'copy') copyButton(message.toCopy, card);
    else shown.textContent = texts[message.what](card);
    tell('ready');
  }

  function copyButton(what, card) {
    const button = document.createElement('button');
    button.type = 'button';
    button.setAttribute('aria-label', 'Copy ' + what);
    button.style.cssText = 'all:unset;position:fixed;inset:0;cursor:pointer';
    button.onclick = async () => {
      await navigator.clipboard.writeText(copied[what](card));
      tell('click');
    };
    shown.replaceChildren(button);
  }

  window.addEventListener('message', (event) => {
    if (event.source !== window.parent || !event.data || event.data.kind !== 'show') return;
    target = event;
    void show(event.data);
  });
  window.parent.postMessage({ kind: 'loaded' }, '*');
})();
`;

export const frameHtml = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Card</title>
<style>html,body{margin:0;padding:0;background:transparent;font:16px system-ui,sans-serif}</style></head>
<body><span id="shown"></span><script src="/v3/element.js"></script></body></html>
`;
