import { badParameter } from './errors';

/** What Stripe says it supports when it is asked for anything else. */
const supported =
  'usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw'.split(
    ' ',
  );

/** Without cents: one yen is 1, not 100. */
export const zeroDecimal: readonly string[] = 'bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf'.split(
  ' ',
);

export function readCurrency(given: string, param = 'currency'): string {
  const currency = given.toLowerCase();
  if (supported.includes(currency)) return currency;
  throw badParameter(
    `Invalid currency: ${given}. Stripe currently supports these currencies: ${supported.join(', ')}`,
    param,
  );
}
