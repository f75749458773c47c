import { Texts } from './texts.types';

export const es: Texts = {
  language: 'Español',
  languages: 'Idioma',
  cardFrom: (marketplace) => `Tarjeta de ${marketplace}`,
  gone: {
    title: 'Este enlace no está disponible',
    text: 'Puede haber caducado o haber sido sustituido por otro más reciente. Pide uno nuevo a quien te lo envió.',
  },
  arriving: { title: 'Abriendo tu tarjeta', go: 'Continuar' },
  busy: {
    title: 'Demasiadas solicitudes',
    text: (seconds) => `Espera ${seconds} segundos y vuelve a cargar la página. No se pierde nada.`,
  },
  ended: {
    expired: { title: 'Este enlace ha caducado', text: 'Pide un enlace nuevo. Tu dinero no se ve afectado.' },
    revoked: { title: 'Este enlace fue retirado', text: 'El remitente lo retiró. Pídele un enlace nuevo.' },
    replaced: {
      title: 'Hay un enlace más reciente',
      text: 'Abre el mensaje más reciente que recibiste: su enlace muestra tu tarjeta.',
    },
    locked: {
      title: 'Este enlace está bloqueado',
      text: 'El código se introdujo mal cinco veces. Pide un enlace nuevo; tu tarjeta está a salvo.',
    },
  },
  elsewhere: {
    title: 'Esta tarjeta se abrió en otro dispositivo',
    text: 'Por seguridad, el enlace solo funciona donde la tarjeta se mostró por primera vez. Ábrelo allí o pide un enlace nuevo.',
  },
  passcode: {
    title: 'Introduce tu código',
    text: (marketplace) => `${marketplace} te comunicó seis cifras aparte de este enlace.`,
    move: 'Esta tarjeta ya se mostró en otro dispositivo. Con el código la pasas a este.',
    label: 'Código',
    hint: 'Seis cifras',
    submit: 'Continuar',
    problems: {
      wrong: 'El código no es correcto. Tras cinco intentos fallidos el enlace se bloquea.',
      not_six_digits: 'Introduce las seis cifras del código.',
      stale: 'La página estuvo abierta demasiado tiempo. Introduce el código otra vez.',
    },
  },
  states: {
    funding: {
      badge: 'En camino',
      text: 'El dinero de tu tarjeta aún está en camino. Esta página se actualiza sola.',
    },
    making: { badge: 'Casi lista', text: 'Tu tarjeta se está creando. Esta página se actualiza sola.' },
    ready: { badge: 'Lista para usar', text: 'Tu tarjeta está lista para un pago.' },
    paused: {
      badge: 'En pausa',
      text: 'Tu tarjeta no se puede usar ahora. Pide al remitente que la active de nuevo.',
    },
    reserved: {
      badge: 'En uso',
      text: 'Un comercio ha reservado el importe de abajo. La tarjeta no se puede usar otra vez.',
    },
    used: { badge: 'Usada', text: 'Tu pago se realizó. La tarjeta no se puede usar otra vez.' },
    unused: {
      badge: 'Terminada',
      text: 'Esta tarjeta no se usó y ya no funciona. Su dinero volvió al remitente.',
    },
    expired: {
      badge: 'Caducada',
      text: 'El plazo para usar esta tarjeta terminó. Lo que quedaba volvió al remitente.',
    },
    canceled: { badge: 'Cancelada', text: 'El remitente canceló esta tarjeta. Pregúntale si no lo esperabas.' },
    failed: { badge: 'No disponible', text: 'No se pudo crear la tarjeta. Pide una nueva al remitente.' },
  },
  left: 'Disponible',
  spent: 'Gastado',
  card: {
    title: 'Tu tarjeta',
    picture: (brand, last4) => `Tarjeta ${brand} terminada en ${last4}`,
    number: 'Número de tarjeta',
    expiry: 'Válida hasta',
    cvc: 'CVC',
    hidden: 'oculto',
    copy: { number: 'Copiar número de tarjeta', expiry: 'Copiar fecha de caducidad', cvc: 'Copiar CVC' },
  },
  show: {
    title: 'Mostrar los datos de la tarjeta',
    hold: 'Mantén pulsado para mostrar',
    holdHint:
      'Mantén pulsado el botón durante un segundo. A partir de entonces el enlace solo funciona en este navegador.',
    holding: 'Sigue pulsando…',
    tooShort: 'Mantén pulsado el botón un poco más.',
    cannotHold: 'Mostrar sin mantener pulsado',
    typeLabel: (last4) => `Escribe o pega las cuatro últimas cifras de la tarjeta: ${last4}`,
    typeSubmit: 'Mostrar los datos',
    typeWrong: 'Esas no son las cuatro últimas cifras de la tarjeta.',
    loading: 'Cargando los datos…',
    shown: 'Los datos de la tarjeta se muestran durante un minuto.',
    remaining: 'Se ocultan en {seconds} s',
    hide: 'Ocultar ahora',
    hiddenAgain: 'Los datos de la tarjeta están ocultos.',
    copied: 'Copiado',
    needsScript: 'Para mostrar los datos de la tarjeta, esta página necesita JavaScript.',
    automated:
      'Los datos no se muestran en un navegador controlado por un programa. Abre el enlace en tu navegador habitual.',
    tooOften: 'Los datos se mostraron demasiadas veces. Inténtalo más tarde.',
    unavailable: 'No ha funcionado. Inténtalo de nuevo en un momento.',
    loadFailed: 'No se pudo cargar la tarjeta. Revisa tu conexión o el bloqueador de contenido e inténtalo de nuevo.',
  },
  where: {
    title: 'Dónde puedes usarla',
    anywhere: 'En cualquier sitio donde acepten tarjetas de esta marca.',
    onlyKinds: (list) => `Solo en estos tipos de comercio: ${list}.`,
    notKinds: (list) => `No en estos tipos de comercio: ${list}.`,
    onlyCountries: (list) => `Solo en comercios de: ${list}.`,
    notCountries: (list) => `No en comercios de: ${list}.`,
  },
  when: { title: 'Úsala antes del', until: 'Después, lo que quede vuelve al remitente.' },
  rules: {
    title: 'Conviene saber',
    once: 'La tarjeta sirve para un pago. Lo que no gastes vuelve al remitente.',
    exact: (amount) => `El pago debe ser exactamente de ${amount}.`,
    upTo: (amount) => `El pago puede ser de hasta ${amount}.`,
    phone: (ending) => `Si la tienda pide un código de confirmación, llega a tu teléfono terminado en ${ending}.`,
    noPhone: (marketplace) =>
      `No hay un teléfono registrado para códigos de confirmación. Si una tienda pide uno, da tu número a ${marketplace}.`,
  },
  history: {
    title: 'Qué ha pasado',
    events: {
      reserved: (amount, merchant) => `${amount} reservados por ${merchant}`,
      released: (amount, merchant) => `${amount} liberados por ${merchant}`,
      charged: (amount, merchant) => `${amount} cobrados por ${merchant}`,
      refunded: (amount, merchant) => `${amount} devueltos por ${merchant}`,
      refund_taken_back: (amount, merchant) => `${amount} de una devolución retirados por ${merchant}`,
    },
    someMerchant: 'un comercio',
  },
  decline: {
    title: (amount, merchant) => `Se rechazó un pago de ${amount} en ${merchant}`,
    advice: {
      not_ready: {
        what: 'La tarjeta aún no estaba lista.',
        now: 'Espera a que esta página diga que está lista e inténtalo de nuevo.',
      },
      ended: { what: 'La tarjeta ya había terminado.', now: 'Pide una tarjeta nueva al remitente.' },
      already_used: {
        what: 'La tarjeta sirve para un pago, y ya se hizo.',
        now: '¿El primer pago fue un error? Pide a ese comercio que lo anule: aquí recibirás una tarjeta nueva.',
      },
      newer_card: { what: 'Esa tarjeta fue sustituida.', now: 'Usa la tarjeta que muestra esta página.' },
      paused: { what: 'La tarjeta está en pausa.', now: 'Pide al remitente que la active e inténtalo de nuevo.' },
      wrong_currency: { what: 'El comercio cobró en otra moneda.', now: 'Elige pagar en la moneda de la tarjeta.' },
      kind_of_merchant: {
        what: 'La tarjeta no es para este tipo de comercio.',
        now: 'Úsala donde indica esta página.',
      },
      merchant_country: {
        what: 'La tarjeta no es para comercios de ese país.',
        now: 'Úsala en un comercio de un país permitido.',
      },
      second_check: {
        what: 'El comercio comprobó la tarjeta más de una vez.',
        now: 'Haz el pago directamente: la tarjeta aún funciona.',
      },
      exact_amount: {
        what: 'El importe no era exactamente el de la tarjeta.',
        now: 'Pide al comercio que cobre exactamente el importe indicado aquí.',
      },
      too_much: {
        what: 'El importe era mayor de lo que permite la tarjeta.',
        now: 'Pide al comercio que divida la cuenta: como máximo el importe indicado aquí con esta tarjeta.',
      },
      extra_amount: {
        what: 'El comercio pidió más de lo que queda.',
        now: 'Lo aprobado sigue aprobado. Paga el resto de otra forma.',
      },
      no_open_charge: {
        what: 'El comercio pidió más en un pago ya cerrado.',
        now: 'Si tu tarjeta sigue sin usar, pide al comercio que cobre de nuevo.',
      },
      card_rules: {
        what: 'El pago no cumple las reglas de la tarjeta.',
        now: 'Revisa el importe y dónde se puede usar, e inténtalo de nuevo.',
      },
      check_details: {
        what: 'El código de seguridad, la fecha o la dirección no eran correctos.',
        now: 'Revisa lo que escribiste e inténtalo de nuevo.',
      },
      other_way: {
        what: 'Esta forma de pago no se acepta con la tarjeta.',
        now: 'Paga en línea con los datos de la tarjeta.',
      },
      try_again: { what: 'El pago no se pudo comprobar a tiempo.', now: 'Inténtalo de nuevo en unos minutos.' },
      ask_marketplace: {
        what: 'La tarjeta no se puede usar por ahora.',
        now: 'Pide al remitente de este enlace que lo revise.',
      },
    },
  },
  refresh: 'Volver a cargar la página',
  utc: 'UTC',
};
