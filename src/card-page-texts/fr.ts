import { Texts } from './texts.types';

export const fr: Texts = {
  language: 'Français',
  languages: 'Langue',
  cardFrom: (marketplace) => `Carte de ${marketplace}`,
  gone: {
    title: 'Ce lien n’est pas disponible',
    text: 'Il a peut-être expiré, ou un lien plus récent l’a remplacé. Demandez-en un nouveau à l’expéditeur.',
  },
  arriving: { title: 'Ouverture de votre carte', go: 'Continuer' },
  busy: {
    title: 'Trop de demandes',
    text: (seconds) => `Patientez ${seconds} secondes, puis rechargez cette page. Rien n’est perdu.`,
  },
  ended: {
    expired: { title: 'Ce lien a expiré', text: 'Demandez un nouveau lien. Votre argent n’est pas concerné.' },
    revoked: { title: 'Ce lien a été retiré', text: 'L’expéditeur l’a retiré. Demandez-lui un nouveau lien.' },
    replaced: {
      title: 'Il existe un lien plus récent',
      text: 'Ouvrez le dernier message reçu : son lien affiche votre carte.',
    },
    locked: {
      title: 'Ce lien est bloqué',
      text: 'Le code a été mal saisi cinq fois. Demandez un nouveau lien ; votre carte est en sécurité.',
    },
  },
  elsewhere: {
    title: 'Cette carte a été ouverte sur un autre appareil',
    text: 'Par sécurité, ce lien ne fonctionne que là où la carte a d’abord été affichée. Ouvrez-le là-bas ou demandez un nouveau lien.',
  },
  passcode: {
    title: 'Saisissez votre code',
    text: (marketplace) => `${marketplace} vous a communiqué six chiffres séparément de ce lien.`,
    move: 'Cette carte a déjà été affichée sur un autre appareil. Avec le code, vous la transférez sur celui-ci.',
    label: 'Code',
    hint: 'Six chiffres',
    submit: 'Continuer',
    problems: {
      wrong: 'Ce code n’est pas correct. Après cinq essais erronés, le lien est bloqué.',
      not_six_digits: 'Saisissez les six chiffres du code.',
      stale: 'La page est restée ouverte trop longtemps. Saisissez le code à nouveau.',
    },
  },
  states: {
    funding: {
      badge: 'En route',
      text: 'L’argent de votre carte est encore en route. Cette page se met à jour toute seule.',
    },
    making: {
      badge: 'Bientôt prête',
      text: 'Votre carte est en cours de création. Cette page se met à jour toute seule.',
    },
    ready: { badge: 'Prête à l’emploi', text: 'Votre carte est prête pour un paiement.' },
    paused: {
      badge: 'En pause',
      text: 'Votre carte ne peut pas être utilisée pour l’instant. Demandez à l’expéditeur de la réactiver.',
    },
    reserved: {
      badge: 'En cours d’utilisation',
      text: 'Un commerçant a réservé le montant ci-dessous. La carte ne peut plus être utilisée.',
    },
    used: { badge: 'Utilisée', text: 'Votre paiement est passé. La carte ne peut plus être utilisée.' },
    unused: {
      badge: 'Terminée',
      text: 'Cette carte n’a pas été utilisée et ne fonctionne plus. L’argent est revenu à l’expéditeur.',
    },
    expired: {
      badge: 'Expirée',
      text: 'Le délai d’utilisation de cette carte est passé. Le reste est revenu à l’expéditeur.',
    },
    canceled: {
      badge: 'Annulée',
      text: 'L’expéditeur a annulé cette carte. Contactez-le si vous ne vous y attendiez pas.',
    },
    failed: {
      badge: 'Indisponible',
      text: 'La carte n’a pas pu être fournie. Demandez-en une nouvelle à l’expéditeur.',
    },
  },
  left: 'Reste à dépenser',
  spent: 'Dépensé',
  card: {
    title: 'Votre carte',
    picture: (brand, last4) => `Carte ${brand} se terminant par ${last4}`,
    number: 'Numéro de carte',
    expiry: 'Expire fin',
    cvc: 'CVC',
    hidden: 'masqué',
    copy: { number: 'Copier le numéro de carte', expiry: 'Copier la date d’expiration', cvc: 'Copier le CVC' },
  },
  show: {
    title: 'Afficher les données de la carte',
    hold: 'Maintenir pour afficher',
    holdHint:
      'Maintenez le bouton appuyé pendant une seconde. Dès lors, ce lien ne fonctionne plus que dans ce navigateur.',
    holding: 'Continuez d’appuyer…',
    tooShort: 'Maintenez le bouton un peu plus longtemps.',
    cannotHold: 'Afficher sans maintenir',
    typeLabel: (last4) => `Saisissez ou collez les quatre derniers chiffres de la carte : ${last4}`,
    typeSubmit: 'Afficher les données',
    typeWrong: 'Ce ne sont pas les quatre derniers chiffres de la carte.',
    loading: 'Chargement des données…',
    shown: 'Les données de la carte sont affichées pendant une minute.',
    remaining: 'Masquées dans {seconds} s',
    hide: 'Masquer maintenant',
    hiddenAgain: 'Les données de la carte sont masquées.',
    copied: 'Copié',
    needsScript: 'Pour afficher les données de la carte, cette page a besoin de JavaScript.',
    automated:
      'Les données ne sont pas affichées dans un navigateur piloté par un logiciel. Ouvrez le lien dans votre navigateur habituel.',
    tooOften: 'Les données ont été affichées trop souvent. Réessayez plus tard.',
    unavailable: 'Cela n’a pas fonctionné. Réessayez dans un instant.',
    loadFailed:
      'La carte n’a pas pu être chargée. Vérifiez votre connexion ou votre bloqueur de contenu, puis réessayez.',
  },
  where: {
    title: 'Où vous pouvez l’utiliser',
    anywhere: 'Partout où les cartes de cette marque sont acceptées.',
    onlyKinds: (list) => `Uniquement chez ces types de commerçants : ${list}.`,
    notKinds: (list) => `Pas chez ces types de commerçants : ${list}.`,
    onlyCountries: (list) => `Uniquement chez des commerçants de ces pays : ${list}.`,
    notCountries: (list) => `Pas chez des commerçants de ces pays : ${list}.`,
  },
  when: { title: 'À utiliser avant le', until: 'Ensuite, le reste revient à l’expéditeur.' },
  rules: {
    title: 'Bon à savoir',
    once: 'La carte vaut pour un paiement. Ce que vous ne dépensez pas revient à l’expéditeur.',
    exact: (amount) => `Le paiement doit être d’exactement ${amount}.`,
    upTo: (amount) => `Le paiement peut aller jusqu’à ${amount}.`,
    phone: (ending) =>
      `Si la boutique demande un code de confirmation, il est envoyé à votre numéro se terminant par ${ending}.`,
    noPhone: (marketplace) =>
      `Aucun numéro de téléphone n’est enregistré pour les codes de confirmation. Si une boutique en demande un, donnez votre numéro à ${marketplace}.`,
  },
  history: {
    title: 'Ce qui s’est passé',
    events: {
      reserved: (amount, merchant) => `${amount} réservés par ${merchant}`,
      released: (amount, merchant) => `${amount} libérés par ${merchant}`,
      charged: (amount, merchant) => `${amount} débités par ${merchant}`,
      refunded: (amount, merchant) => `${amount} remboursés par ${merchant}`,
      refund_taken_back: (amount, merchant) => `${amount} d’un remboursement repris par ${merchant}`,
    },
    someMerchant: 'un commerçant',
  },
  decline: {
    title: (amount, merchant) => `Un paiement de ${amount} chez ${merchant} a été refusé`,
    advice: {
      not_ready: {
        what: 'La carte n’était pas encore prête.',
        now: 'Attendez que cette page l’annonce prête, puis réessayez.',
      },
      ended: { what: 'La carte ne fonctionnait déjà plus.', now: 'Demandez une nouvelle carte à l’expéditeur.' },
      already_used: {
        what: 'La carte vaut pour un paiement, et il a eu lieu.',
        now: 'Le premier paiement était une erreur ? Demandez à ce commerçant de l’annuler : vous recevrez ici une nouvelle carte.',
      },
      newer_card: { what: 'Cette carte a été remplacée.', now: 'Utilisez la carte affichée sur cette page.' },
      paused: {
        what: 'La carte est en pause.',
        now: 'Demandez à l’expéditeur de la réactiver, puis réessayez.',
      },
      wrong_currency: {
        what: 'Le commerçant a débité dans une autre devise.',
        now: 'Choisissez de payer dans la devise de la carte.',
      },
      kind_of_merchant: {
        what: 'La carte n’est pas prévue pour ce type de commerçant.',
        now: 'Utilisez-la là où cette page l’indique.',
      },
      merchant_country: {
        what: 'La carte n’est pas prévue pour les commerçants de ce pays.',
        now: 'Utilisez-la chez un commerçant d’un pays autorisé.',
      },
      second_check: {
        what: 'Le commerçant a vérifié la carte plus d’une fois.',
        now: 'Effectuez le paiement lui-même : la carte fonctionne encore.',
      },
      exact_amount: {
        what: 'Le montant n’était pas exactement celui de la carte.',
        now: 'Demandez au commerçant de débiter exactement le montant indiqué ici.',
      },
      too_much: {
        what: 'Le montant dépassait celui de la carte.',
        now: 'Demandez au commerçant de partager la note : au plus le montant indiqué ici sur cette carte.',
      },
      extra_amount: {
        what: 'Le commerçant a demandé plus que ce qui reste.',
        now: 'Ce qui a été accepté le reste. Payez le solde autrement.',
      },
      no_open_charge: {
        what: 'Le commerçant a demandé plus sur un paiement déjà clos.',
        now: 'Si votre carte n’a pas servi, demandez au commerçant de débiter à nouveau.',
      },
      card_rules: {
        what: 'Le paiement ne respecte pas les règles de la carte.',
        now: 'Vérifiez le montant et où la carte est valable, puis réessayez.',
      },
      check_details: {
        what: 'Le code de sécurité, la date ou l’adresse étaient incorrects.',
        now: 'Vérifiez votre saisie, puis réessayez.',
      },
      other_way: {
        what: 'Ce mode de paiement n’est pas accepté avec la carte.',
        now: 'Payez en ligne avec les données de la carte.',
      },
      try_again: {
        what: 'Le paiement n’a pas pu être vérifié à temps.',
        now: 'Réessayez dans quelques minutes.',
      },
      ask_marketplace: {
        what: 'La carte ne peut pas être utilisée pour le moment.',
        now: 'Demandez à l’expéditeur de ce lien de vérifier.',
      },
    },
  },
  refresh: 'Recharger la page',
  utc: 'UTC',
};
