import { Locale, locales, Speech, Wishes } from './card-page-text.types';

/** What the visitor asked for, else what the cardholder prefers, else the best the browser names, else English. */
export function chooseSpeech({ asked, preferred, acceptLanguage }: Wishes): Speech {
  const accepted = acceptedTags(acceptLanguage);
  const locale =
    known(asked) ?? preferred ?? accepted.map(known).find((locale): locale is Locale => locale !== null) ?? 'en';
  // Region and number style of the same language, where the browser names one: en-GB writes dates its own way.
  const tag = accepted.find((each) => known(each) === locale) ?? locale;
  return { locale, tag: Intl.DateTimeFormat.supportedLocalesOf([tag])[0] ?? locale };
}

function known(tag: unknown): Locale | null {
  if (typeof tag !== 'string') return null;
  const language = tag.toLowerCase().split('-')[0];
  return locales.find((locale) => locale === language) ?? null;
}

/** RFC 9110, 12.5.4: tags by falling weight; equal weights as they came. Broken ones are left out. */
function acceptedTags(header: string | undefined): string[] {
  return (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(/\s*;\s*/);
      const weight = parameters.find((each) => each.startsWith('q='))?.slice(2) ?? '1';
      return { tag, weight: /^[01](\.\d{0,3})?$/.test(weight) ? Number(weight) : 0 };
    })
    .filter(({ tag, weight }) => /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag) && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}
