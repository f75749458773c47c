import { Texts } from './texts.types';

export const en: Texts = {
  language: 'English',
  languages: 'Language',
  cardFrom: (marketplace) => `Card from ${marketplace}`,
  gone: {
    title: 'This link is not available',
    text: 'It may have expired, or a newer link may have replaced it. Ask whoever sent it to you for a new one.',
  },
  arriving: { title: 'Opening your card', go: 'Continue' },
  busy: {
    title: 'Too many requests',
    text: (seconds) => `Please wait ${seconds} seconds, then load this page again. Nothing is lost.`,
  },
  ended: {
    expired: { title: 'This link has expired', text: 'Ask for a new link. Your money is not affected by this.' },
    revoked: { title: 'This link was withdrawn', text: 'The sender withdrew it. Ask them for a new link.' },
    replaced: {
      title: 'There is a newer link',
      text: 'Open the newest message you received: its link shows your card.',
    },
    locked: {
      title: 'This link is locked',
      text: 'The passcode was entered wrongly five times. Ask for a new link; your card is safe.',
    },
  },
  elsewhere: {
    title: 'This card was opened on another device',
    text: 'To keep it safe, this link only works where the card was first shown. Open it there, or ask for a new link.',
  },
  passcode: {
    title: 'Enter your passcode',
    text: (marketplace) => `${marketplace} told you six digits separately from this link.`,
    move: 'This card was shown on another device before. With the passcode you move it to this one.',
    label: 'Passcode',
    hint: 'Six digits',
    submit: 'Continue',
    problems: {
      wrong: 'That passcode is not right. After five wrong tries the link is locked.',
      not_six_digits: 'Enter the six digits of the passcode.',
      stale: 'This page was open for too long. Please enter the passcode again.',
    },
  },
  states: {
    funding: {
      badge: 'On its way',
      text: 'The money for your card is still being moved. This page updates by itself.',
    },
    making: { badge: 'Almost ready', text: 'Your card is being made. This page updates by itself.' },
    ready: { badge: 'Ready to use', text: 'Your card is ready for one payment.' },
    paused: { badge: 'Paused', text: 'Your card cannot be used right now. Ask the sender to switch it on again.' },
    reserved: { badge: 'In use', text: 'A merchant has reserved the amount below. The card cannot be used again.' },
    used: { badge: 'Used', text: 'Your payment went through. The card cannot be used again.' },
    unused: { badge: 'Ended', text: 'This card was not used and no longer works. Its money went back to the sender.' },
    expired: { badge: 'Expired', text: 'The time to use this card is over. What was left went back to the sender.' },
    canceled: { badge: 'Canceled', text: 'The sender canceled this card. Ask them if you did not expect that.' },
    failed: { badge: 'Not available', text: 'The card could not be provided. Ask the sender for a new one.' },
  },
  left: 'Left to spend',
  spent: 'Spent',
  card: {
    title: 'Your card',
    picture: (brand, last4) => `${brand} card ending in ${last4}`,
    number: 'Card number',
    expiry: 'Valid thru',
    cvc: 'CVC',
    hidden: 'hidden',
    copy: { number: 'Copy card number', expiry: 'Copy expiry date', cvc: 'Copy CVC' },
  },
  show: {
    title: 'Show card details',
    hold: 'Hold to show card details',
    holdHint: 'Press and hold the button for a second. From then on this link works only in this browser.',
    holding: 'Keep holding…',
    tooShort: 'Hold the button a little longer.',
    cannotHold: 'Show without holding',
    typeLabel: (last4) => `Type or paste the last four digits of the card: ${last4}`,
    typeSubmit: 'Show card details',
    typeWrong: 'Those are not the last four digits of the card.',
    loading: 'Loading card details…',
    shown: 'Card details are shown for one minute.',
    remaining: 'Hidden again in {seconds} s',
    hide: 'Hide now',
    hiddenAgain: 'Card details are hidden.',
    copied: 'Copied',
    needsScript: 'To show the card details, this page needs JavaScript.',
    automated:
      'Card details are not shown in a browser that is controlled by software. Open the link in the browser you usually use.',
    tooOften: 'The details were shown very often. Please try again later.',
    unavailable: 'That did not work just now. Please try again in a moment.',
    loadFailed: 'The card display could not be loaded. Check your connection or content blocker, then try again.',
  },
  where: {
    title: 'Where you can use it',
    anywhere: 'Anywhere cards of this brand are accepted.',
    onlyKinds: (list) => `Only at these kinds of merchants: ${list}.`,
    notKinds: (list) => `Not at these kinds of merchants: ${list}.`,
    onlyCountries: (list) => `Only at merchants in: ${list}.`,
    notCountries: (list) => `Not at merchants in: ${list}.`,
  },
  when: { title: 'Use it before', until: 'Afterwards what is left goes back to the sender.' },
  rules: {
    title: 'Good to know',
    once: 'The card works for one payment. What you do not spend goes back to the sender.',
    exact: (amount) => `The payment must be exactly ${amount}.`,
    upTo: (amount) => `The payment can be up to ${amount}.`,
    phone: (ending) => `If the shop asks for a confirmation code, it is sent to your phone number ending in ${ending}.`,
    noPhone: (marketplace) =>
      `No phone number is on file for confirmation codes. If a shop asks for one, give ${marketplace} your number.`,
  },
  history: {
    title: 'What happened',
    events: {
      reserved: (amount, merchant) => `${amount} reserved by ${merchant}`,
      released: (amount, merchant) => `${amount} released by ${merchant}`,
      charged: (amount, merchant) => `${amount} charged by ${merchant}`,
      refunded: (amount, merchant) => `${amount} came back from ${merchant}`,
      refund_taken_back: (amount, merchant) => `${amount} of a refund taken back by ${merchant}`,
    },
    someMerchant: 'a merchant',
  },
  decline: {
    title: (amount, merchant) => `A payment of ${amount} at ${merchant} was declined`,
    advice: {
      not_ready: { what: 'The card was not ready yet.', now: 'Wait until this page says it is ready, then try again.' },
      ended: { what: 'The card had already ended.', now: 'Ask the sender for a new card.' },
      already_used: {
        what: 'The card works for one payment, and that payment was made.',
        now: 'Was the first payment a mistake? Ask that merchant to cancel it: you then get a new card here.',
      },
      newer_card: { what: 'That card was replaced.', now: 'Use the card shown on this page.' },
      paused: { what: 'The card is paused.', now: 'Ask the sender to switch it on, then try again.' },
      wrong_currency: {
        what: 'The merchant charged in another currency.',
        now: 'Choose to pay in the currency of the card.',
      },
      kind_of_merchant: {
        what: 'The card is not meant for this kind of merchant.',
        now: 'Use it where this page says you can.',
      },
      merchant_country: {
        what: 'The card is not meant for merchants in that country.',
        now: 'Use it at a merchant in a country this page allows.',
      },
      second_check: {
        what: 'The merchant checked the card more than once.',
        now: 'Make the payment itself: the card still works.',
      },
      exact_amount: {
        what: 'The amount was not exactly the amount of the card.',
        now: 'Ask the merchant to charge exactly the amount shown here.',
      },
      too_much: {
        what: 'The amount was higher than the card allows.',
        now: 'Ask the merchant to split the bill: at most the amount shown here on this card.',
      },
      extra_amount: {
        what: 'The merchant asked for more than is left.',
        now: 'What was approved stays approved. Pay the rest another way.',
      },
      no_open_charge: {
        what: 'The merchant asked for more on a payment that is closed.',
        now: 'If your card is still unused, ask the merchant to charge again.',
      },
      card_rules: {
        what: 'The payment does not fit the rules of the card.',
        now: 'Check the amount and where the card can be used, then try again.',
      },
      check_details: {
        what: 'The security code, date or address was not right.',
        now: 'Check what you typed, then try again.',
      },
      other_way: { what: 'This way of paying is not accepted for the card.', now: 'Pay online with the card details.' },
      try_again: { what: 'The payment could not be checked in time.', now: 'Try again in a few minutes.' },
      ask_marketplace: {
        what: 'The card cannot be used at the moment.',
        now: 'Ask the sender of this link to look into it.',
      },
    },
  },
  refresh: 'Load this page again',
  utc: 'UTC',
};
