import { Texts } from './texts.types';

export const de: Texts = {
  language: 'Deutsch',
  languages: 'Sprache',
  cardFrom: (marketplace) => `Karte von ${marketplace}`,
  gone: {
    title: 'Dieser Link ist nicht verfügbar',
    text: 'Er ist vielleicht abgelaufen oder durch einen neueren ersetzt worden. Bitten Sie den Absender um einen neuen.',
  },
  arriving: { title: 'Ihre Karte wird geöffnet', go: 'Weiter' },
  busy: {
    title: 'Zu viele Anfragen',
    text: (seconds) => `Bitte warten Sie ${seconds} Sekunden und laden Sie die Seite neu. Es geht nichts verloren.`,
  },
  ended: {
    expired: {
      title: 'Dieser Link ist abgelaufen',
      text: 'Bitten Sie um einen neuen Link. Ihr Geld ist davon nicht betroffen.',
    },
    revoked: {
      title: 'Dieser Link wurde zurückgezogen',
      text: 'Der Absender hat ihn zurückgezogen. Bitten Sie ihn um einen neuen Link.',
    },
    replaced: {
      title: 'Es gibt einen neueren Link',
      text: 'Öffnen Sie die neueste Nachricht, die Sie bekommen haben: Deren Link zeigt Ihre Karte.',
    },
    locked: {
      title: 'Dieser Link ist gesperrt',
      text: 'Der Code wurde fünfmal falsch eingegeben. Bitten Sie um einen neuen Link; Ihre Karte ist sicher.',
    },
  },
  elsewhere: {
    title: 'Diese Karte wurde auf einem anderen Gerät geöffnet',
    text: 'Zu Ihrer Sicherheit gilt der Link nur dort, wo die Karte zuerst angezeigt wurde. Öffnen Sie ihn dort oder bitten Sie um einen neuen.',
  },
  passcode: {
    title: 'Geben Sie Ihren Code ein',
    text: (marketplace) => `${marketplace} hat Ihnen sechs Ziffern getrennt von diesem Link mitgeteilt.`,
    move: 'Diese Karte wurde schon auf einem anderen Gerät angezeigt. Mit dem Code holen Sie sie auf dieses.',
    label: 'Code',
    hint: 'Sechs Ziffern',
    submit: 'Weiter',
    problems: {
      wrong: 'Dieser Code ist nicht richtig. Nach fünf falschen Versuchen wird der Link gesperrt.',
      not_six_digits: 'Geben Sie die sechs Ziffern des Codes ein.',
      stale: 'Die Seite war zu lange geöffnet. Bitte geben Sie den Code noch einmal ein.',
    },
  },
  states: {
    funding: {
      badge: 'Unterwegs',
      text: 'Das Geld für Ihre Karte ist noch unterwegs. Diese Seite aktualisiert sich von selbst.',
    },
    making: { badge: 'Gleich fertig', text: 'Ihre Karte wird erstellt. Diese Seite aktualisiert sich von selbst.' },
    ready: { badge: 'Einsatzbereit', text: 'Ihre Karte ist bereit für eine Zahlung.' },
    paused: {
      badge: 'Pausiert',
      text: 'Ihre Karte kann gerade nicht benutzt werden. Bitten Sie den Absender, sie wieder einzuschalten.',
    },
    reserved: {
      badge: 'In Benutzung',
      text: 'Ein Händler hat den Betrag unten reserviert. Die Karte kann nicht noch einmal benutzt werden.',
    },
    used: {
      badge: 'Benutzt',
      text: 'Ihre Zahlung ist angekommen. Die Karte kann nicht noch einmal benutzt werden.',
    },
    unused: {
      badge: 'Beendet',
      text: 'Diese Karte wurde nicht benutzt und gilt nicht mehr. Ihr Geld ging zurück an den Absender.',
    },
    expired: {
      badge: 'Abgelaufen',
      text: 'Die Zeit für diese Karte ist vorbei. Was übrig war, ging zurück an den Absender.',
    },
    canceled: {
      badge: 'Storniert',
      text: 'Der Absender hat diese Karte storniert. Fragen Sie nach, wenn Sie das nicht erwartet haben.',
    },
    failed: {
      badge: 'Nicht verfügbar',
      text: 'Die Karte konnte nicht bereitgestellt werden. Bitten Sie den Absender um eine neue.',
    },
  },
  left: 'Noch verfügbar',
  spent: 'Ausgegeben',
  card: {
    title: 'Ihre Karte',
    picture: (brand, last4) => `${brand}-Karte mit den Endziffern ${last4}`,
    number: 'Kartennummer',
    expiry: 'Gültig bis',
    cvc: 'Prüfziffer',
    hidden: 'verborgen',
    copy: { number: 'Kartennummer kopieren', expiry: 'Ablaufdatum kopieren', cvc: 'Prüfziffer kopieren' },
  },
  show: {
    title: 'Kartendaten anzeigen',
    hold: 'Gedrückt halten und anzeigen',
    holdHint: 'Halten Sie den Knopf eine Sekunde lang gedrückt. Ab dann gilt dieser Link nur noch in diesem Browser.',
    holding: 'Weiter gedrückt halten …',
    tooShort: 'Halten Sie den Knopf etwas länger gedrückt.',
    cannotHold: 'Anzeigen ohne Gedrückthalten',
    typeLabel: (last4) => `Geben Sie die letzten vier Ziffern der Karte ein: ${last4}`,
    typeSubmit: 'Kartendaten anzeigen',
    typeWrong: 'Das sind nicht die letzten vier Ziffern der Karte.',
    loading: 'Kartendaten werden geladen …',
    shown: 'Die Kartendaten sind eine Minute lang zu sehen.',
    remaining: 'Noch {seconds} s sichtbar',
    hide: 'Jetzt verbergen',
    hiddenAgain: 'Die Kartendaten sind verborgen.',
    copied: 'Kopiert',
    needsScript: 'Um die Kartendaten anzuzeigen, braucht diese Seite JavaScript.',
    automated:
      'In einem ferngesteuerten Browser werden keine Kartendaten angezeigt. Öffnen Sie den Link in dem Browser, den Sie sonst benutzen.',
    tooOften: 'Die Daten wurden sehr oft angezeigt. Bitte versuchen Sie es später wieder.',
    unavailable: 'Das hat gerade nicht geklappt. Bitte versuchen Sie es gleich noch einmal.',
    loadFailed:
      'Die Kartenanzeige konnte nicht geladen werden. Prüfen Sie Verbindung und Werbeblocker und versuchen Sie es wieder.',
  },
  where: {
    title: 'Wo die Karte gilt',
    anywhere: 'Überall, wo Karten dieser Marke angenommen werden.',
    onlyKinds: (list) => `Nur bei diesen Arten von Händlern: ${list}.`,
    notKinds: (list) => `Nicht bei diesen Arten von Händlern: ${list}.`,
    onlyCountries: (list) => `Nur bei Händlern in: ${list}.`,
    notCountries: (list) => `Nicht bei Händlern in: ${list}.`,
  },
  when: { title: 'Nutzbar bis', until: 'Was dann noch übrig ist, geht zurück an den Absender.' },
  rules: {
    title: 'Gut zu wissen',
    once: 'Die Karte gilt für eine Zahlung. Was Sie nicht ausgeben, geht zurück an den Absender.',
    exact: (amount) => `Die Zahlung muss genau ${amount} betragen.`,
    upTo: (amount) => `Die Zahlung darf bis zu ${amount} betragen.`,
    phone: (ending) =>
      `Fragt der Laden nach einem Bestätigungscode, kommt er an Ihre Telefonnummer mit den Endziffern ${ending}.`,
    noPhone: (marketplace) =>
      `Für Bestätigungscodes ist keine Telefonnummer hinterlegt. Verlangt ein Laden einen Code, nennen Sie ${marketplace} Ihre Nummer.`,
  },
  history: {
    title: 'Was geschehen ist',
    events: {
      reserved: (amount, merchant) => `${amount} reserviert von ${merchant}`,
      released: (amount, merchant) => `${amount} freigegeben von ${merchant}`,
      charged: (amount, merchant) => `${amount} abgebucht von ${merchant}`,
      refunded: (amount, merchant) => `${amount} zurück von ${merchant}`,
      refund_taken_back: (amount, merchant) => `${amount} Erstattung zurückgenommen von ${merchant}`,
    },
    someMerchant: 'einem Händler',
  },
  decline: {
    title: (amount, merchant) => `Eine Zahlung von ${amount} bei ${merchant} wurde abgelehnt`,
    advice: {
      not_ready: {
        what: 'Die Karte war noch nicht bereit.',
        now: 'Warten Sie, bis diese Seite „Einsatzbereit“ zeigt, und versuchen Sie es dann wieder.',
      },
      ended: { what: 'Die Karte galt nicht mehr.', now: 'Bitten Sie den Absender um eine neue Karte.' },
      already_used: {
        what: 'Die Karte gilt für eine Zahlung, und die ist erfolgt.',
        now: 'War die erste Zahlung ein Irrtum? Bitten Sie jenen Händler, sie zu stornieren: Dann bekommen Sie hier eine neue Karte.',
      },
      newer_card: { what: 'Jene Karte wurde ersetzt.', now: 'Benutzen Sie die Karte auf dieser Seite.' },
      paused: {
        what: 'Die Karte ist pausiert.',
        now: 'Bitten Sie den Absender, sie einzuschalten, und versuchen Sie es dann wieder.',
      },
      wrong_currency: {
        what: 'Der Händler wollte in einer anderen Währung abbuchen.',
        now: 'Wählen Sie die Zahlung in der Währung der Karte.',
      },
      kind_of_merchant: {
        what: 'Die Karte ist nicht für diese Art von Händler gedacht.',
        now: 'Benutzen Sie sie dort, wo diese Seite es erlaubt.',
      },
      merchant_country: {
        what: 'Die Karte ist nicht für Händler in diesem Land gedacht.',
        now: 'Benutzen Sie sie bei einem Händler in einem Land, das diese Seite nennt.',
      },
      second_check: {
        what: 'Der Händler hat die Karte mehr als einmal geprüft.',
        now: 'Führen Sie die Zahlung selbst aus: Die Karte gilt noch.',
      },
      exact_amount: {
        what: 'Der Betrag war nicht genau der Betrag der Karte.',
        now: 'Bitten Sie den Händler, genau den hier gezeigten Betrag abzubuchen.',
      },
      too_much: {
        what: 'Der Betrag war höher, als die Karte erlaubt.',
        now: 'Bitten Sie den Händler, die Rechnung zu teilen: höchstens den hier gezeigten Betrag auf diese Karte.',
      },
      extra_amount: {
        what: 'Der Händler wollte mehr, als noch übrig ist.',
        now: 'Was genehmigt war, bleibt genehmigt. Zahlen Sie den Rest auf anderem Weg.',
      },
      no_open_charge: {
        what: 'Der Händler wollte mehr auf eine Zahlung, die abgeschlossen ist.',
        now: 'Ist Ihre Karte noch unbenutzt, bitten Sie den Händler, neu abzubuchen.',
      },
      card_rules: {
        what: 'Die Zahlung passt nicht zu den Regeln der Karte.',
        now: 'Prüfen Sie den Betrag und wo die Karte gilt, und versuchen Sie es dann wieder.',
      },
      check_details: {
        what: 'Prüfziffer, Datum oder Adresse stimmten nicht.',
        now: 'Prüfen Sie Ihre Eingaben und versuchen Sie es wieder.',
      },
      other_way: {
        what: 'Diese Art zu zahlen ist mit der Karte nicht möglich.',
        now: 'Zahlen Sie online mit den Kartendaten.',
      },
      try_again: {
        what: 'Die Zahlung konnte nicht rechtzeitig geprüft werden.',
        now: 'Versuchen Sie es in ein paar Minuten wieder.',
      },
      ask_marketplace: {
        what: 'Die Karte kann im Moment nicht benutzt werden.',
        now: 'Bitten Sie den Absender dieses Links, es zu prüfen.',
      },
    },
  },
  refresh: 'Seite neu laden',
  utc: 'UTC',
};
