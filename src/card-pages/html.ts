/** Markup that is safe to send: made by {@link html} alone. */
export class Html {
  constructor(readonly text: string) {}
}

type Value = Html | string | number | null | false | undefined | readonly (Html | string)[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A page's template. Whatever stands in `${}` is text and is escaped, in content and in quoted attributes alike; only what `html` made
 * before goes in as it is. Null, undefined and false are nothing, and a list is its members in a row.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

/** Our own style and script, which are constants of the build: not escaped, so never give it what somebody else wrote. */
export function raw(constant: string): Html {
  return new Html(constant);
}

/** Data for our script, inside `<script type="application/json">`: no text in it can end the element. */
export function json(data: unknown): Html {
  return new Html(JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, unicodeEscape));
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function render(value: Value): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return (value as readonly (Html | string)[]).map(render).join('');
  if (value === null || value === undefined || value === false) return '';
  return `${value as string | number}`.replace(/[&<>"']/g, (character) => escapes[character]!);
}
