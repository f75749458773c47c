import { Texts } from './texts.types';

export const it: Texts = {
  language: 'Italiano',
  languages: 'Lingua',
  cardFrom: (marketplace) => `Carta da ${marketplace}`,
  gone: {
    title: 'Questo link non è disponibile',
    text: 'Potrebbe essere scaduto o sostituito da uno più recente. Chiedine uno nuovo a chi te lo ha inviato.',
  },
  arriving: { title: 'Apertura della tua carta', go: 'Continua' },
  busy: {
    title: 'Troppe richieste',
    text: (seconds) => `Attendi ${seconds} secondi, poi ricarica la pagina. Non si perde nulla.`,
  },
  ended: {
    expired: { title: 'Questo link è scaduto', text: 'Chiedi un nuovo link. Il tuo denaro non ne risente.' },
    revoked: { title: 'Questo link è stato ritirato', text: 'Il mittente lo ha ritirato. Chiedigli un nuovo link.' },
    replaced: {
      title: 'C’è un link più recente',
      text: 'Apri il messaggio più recente che hai ricevuto: il suo link mostra la tua carta.',
    },
    locked: {
      title: 'Questo link è bloccato',
      text: 'Il codice è stato inserito male cinque volte. Chiedi un nuovo link; la tua carta è al sicuro.',
    },
  },
  elsewhere: {
    title: 'Questa carta è stata aperta su un altro dispositivo',
    text: 'Per sicurezza il link funziona solo dove la carta è stata mostrata la prima volta. Aprilo lì o chiedi un nuovo link.',
  },
  passcode: {
    title: 'Inserisci il codice',
    text: (marketplace) => `${marketplace} ti ha comunicato sei cifre separatamente da questo link.`,
    move: 'Questa carta è già stata mostrata su un altro dispositivo. Con il codice la sposti su questo.',
    label: 'Codice',
    hint: 'Sei cifre',
    submit: 'Continua',
    problems: {
      wrong: 'Il codice non è corretto. Dopo cinque tentativi errati il link viene bloccato.',
      not_six_digits: 'Inserisci le sei cifre del codice.',
      stale: 'La pagina è rimasta aperta troppo a lungo. Inserisci di nuovo il codice.',
    },
  },
  states: {
    funding: {
      badge: 'In arrivo',
      text: 'Il denaro per la tua carta è ancora in arrivo. Questa pagina si aggiorna da sola.',
    },
    making: { badge: 'Quasi pronta', text: 'La tua carta è in preparazione. Questa pagina si aggiorna da sola.' },
    ready: { badge: 'Pronta all’uso', text: 'La tua carta è pronta per un pagamento.' },
    paused: {
      badge: 'In pausa',
      text: 'La tua carta al momento non si può usare. Chiedi al mittente di riattivarla.',
    },
    reserved: {
      badge: 'In uso',
      text: 'Un esercente ha riservato l’importo qui sotto. La carta non si può usare di nuovo.',
    },
    used: { badge: 'Usata', text: 'Il pagamento è andato a buon fine. La carta non si può usare di nuovo.' },
    unused: {
      badge: 'Terminata',
      text: 'Questa carta non è stata usata e non funziona più. Il denaro è tornato al mittente.',
    },
    expired: {
      badge: 'Scaduta',
      text: 'Il tempo per usare questa carta è finito. Quanto restava è tornato al mittente.',
    },
    canceled: { badge: 'Annullata', text: 'Il mittente ha annullato questa carta. Chiedigli se non te lo aspettavi.' },
    failed: { badge: 'Non disponibile', text: 'La carta non è stata creata. Chiedine una nuova al mittente.' },
  },
  left: 'Ancora disponibile',
  spent: 'Speso',
  card: {
    title: 'La tua carta',
    picture: (brand, last4) => `Carta ${brand} che termina con ${last4}`,
    number: 'Numero della carta',
    expiry: 'Valida fino a',
    cvc: 'CVC',
    hidden: 'nascosto',
    copy: { number: 'Copia il numero della carta', expiry: 'Copia la scadenza', cvc: 'Copia il CVC' },
  },
  show: {
    title: 'Mostra i dati della carta',
    hold: 'Tieni premuto per mostrare',
    holdHint: 'Tieni premuto il pulsante per un secondo. Da quel momento il link funziona solo in questo browser.',
    holding: 'Continua a premere…',
    tooShort: 'Tieni premuto il pulsante un po’ più a lungo.',
    cannotHold: 'Mostra senza tenere premuto',
    typeLabel: (last4) => `Scrivi o incolla le ultime quattro cifre della carta: ${last4}`,
    typeSubmit: 'Mostra i dati',
    typeWrong: 'Non sono le ultime quattro cifre della carta.',
    loading: 'Caricamento dei dati…',
    shown: 'I dati della carta restano visibili per un minuto.',
    remaining: 'Nascosti tra {seconds} s',
    hide: 'Nascondi ora',
    hiddenAgain: 'I dati della carta sono nascosti.',
    copied: 'Copiato',
    needsScript: 'Per mostrare i dati della carta questa pagina ha bisogno di JavaScript.',
    automated:
      'I dati non vengono mostrati in un browser controllato da un programma. Apri il link nel browser che usi di solito.',
    tooOften: 'I dati sono stati mostrati troppo spesso. Riprova più tardi.',
    unavailable: 'Non ha funzionato. Riprova tra un momento.',
    loadFailed: 'Impossibile caricare la carta. Controlla la connessione o il blocco dei contenuti e riprova.',
  },
  where: {
    title: 'Dove puoi usarla',
    anywhere: 'Ovunque siano accettate carte di questo marchio.',
    onlyKinds: (list) => `Solo presso questi tipi di esercenti: ${list}.`,
    notKinds: (list) => `Non presso questi tipi di esercenti: ${list}.`,
    onlyCountries: (list) => `Solo presso esercenti in: ${list}.`,
    notCountries: (list) => `Non presso esercenti in: ${list}.`,
  },
  when: { title: 'Da usare entro', until: 'Dopo, quanto resta torna al mittente.' },
  rules: {
    title: 'Buono a sapersi',
    once: 'La carta vale per un pagamento. Ciò che non spendi torna al mittente.',
    exact: (amount) => `Il pagamento deve essere esattamente di ${amount}.`,
    upTo: (amount) => `Il pagamento può arrivare a ${amount}.`,
    phone: (ending) =>
      `Se il negozio chiede un codice di conferma, arriva al tuo numero di telefono che termina con ${ending}.`,
    noPhone: (marketplace) =>
      `Nessun numero di telefono è registrato per i codici di conferma. Se un negozio ne chiede uno, comunica il tuo numero a ${marketplace}.`,
  },
  history: {
    title: 'Che cosa è successo',
    events: {
      reserved: (amount, merchant) => `${amount} riservati da ${merchant}`,
      released: (amount, merchant) => `${amount} liberati da ${merchant}`,
      charged: (amount, merchant) => `${amount} addebitati da ${merchant}`,
      refunded: (amount, merchant) => `${amount} rimborsati da ${merchant}`,
      refund_taken_back: (amount, merchant) => `${amount} di un rimborso ripresi da ${merchant}`,
    },
    someMerchant: 'un esercente',
  },
  decline: {
    title: (amount, merchant) => `Un pagamento di ${amount} presso ${merchant} è stato rifiutato`,
    advice: {
      not_ready: {
        what: 'La carta non era ancora pronta.',
        now: 'Aspetta che questa pagina dica che è pronta, poi riprova.',
      },
      ended: { what: 'La carta non era più valida.', now: 'Chiedi una nuova carta al mittente.' },
      already_used: {
        what: 'La carta vale per un pagamento, che è già avvenuto.',
        now: 'Il primo pagamento era un errore? Chiedi a quell’esercente di annullarlo: qui riceverai una nuova carta.',
      },
      newer_card: { what: 'Quella carta è stata sostituita.', now: 'Usa la carta mostrata in questa pagina.' },
      paused: { what: 'La carta è in pausa.', now: 'Chiedi al mittente di riattivarla, poi riprova.' },
      wrong_currency: {
        what: 'L’esercente ha addebitato in un’altra valuta.',
        now: 'Scegli di pagare nella valuta della carta.',
      },
      kind_of_merchant: {
        what: 'La carta non è destinata a questo tipo di esercente.',
        now: 'Usala dove indica questa pagina.',
      },
      merchant_country: {
        what: 'La carta non è destinata a esercenti di quel paese.',
        now: 'Usala presso un esercente di un paese consentito.',
      },
      second_check: {
        what: 'L’esercente ha verificato la carta più di una volta.',
        now: 'Fai direttamente il pagamento: la carta funziona ancora.',
      },
      exact_amount: {
        what: 'L’importo non era esattamente quello della carta.',
        now: 'Chiedi all’esercente di addebitare esattamente l’importo indicato qui.',
      },
      too_much: {
        what: 'L’importo superava quello consentito dalla carta.',
        now: 'Chiedi all’esercente di dividere il conto: al massimo l’importo indicato qui su questa carta.',
      },
      extra_amount: {
        what: 'L’esercente ha chiesto più di quanto resta.',
        now: 'Quanto approvato resta approvato. Paga il resto in altro modo.',
      },
      no_open_charge: {
        what: 'L’esercente ha chiesto di più su un pagamento già chiuso.',
        now: 'Se la carta non è stata usata, chiedi all’esercente di addebitare di nuovo.',
      },
      card_rules: {
        what: 'Il pagamento non rispetta le regole della carta.',
        now: 'Controlla l’importo e dove la carta è valida, poi riprova.',
      },
      check_details: {
        what: 'Il codice di sicurezza, la data o l’indirizzo non erano corretti.',
        now: 'Controlla i dati inseriti, poi riprova.',
      },
      other_way: {
        what: 'Questo modo di pagare non è accettato con la carta.',
        now: 'Paga online con i dati della carta.',
      },
      try_again: { what: 'Il pagamento non è stato verificato in tempo.', now: 'Riprova tra qualche minuto.' },
      ask_marketplace: {
        what: 'La carta al momento non si può usare.',
        now: 'Chiedi al mittente di questo link di verificare.',
      },
    },
  },
  refresh: 'Ricarica la pagina',
  utc: 'UTC',
};
