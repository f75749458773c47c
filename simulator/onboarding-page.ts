import { completeOnboarding, type OnboardingPage, openOnboarding } from './account-links';
import type { Database } from './database';
import { ApiError } from './errors';
import type { Session } from './session';

interface PageRequest {
  method: string;
  path: string;
}

interface PageAnswer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

/** Stripe's hosted onboarding, as one button: whoever presses it has given everything that was due. */
export function answerOnboarding(
  sessionOf: (account: string) => Session | undefined,
  db: Database,
  { method, path }: PageRequest,
): PageAnswer | undefined {
  const [, account, token] = /^\/setup\/s\/(acct_\w+)\/(\w+)$/.exec(path) ?? [];
  if (account === undefined || token === undefined) return undefined;
  const session = sessionOf(account);
  if (!session) return html(404, 'Not found', '<p>There is no such account.</p>');
  try {
    return db.transaction(() => {
      const page = openOnboarding(session, account, token);
      if ('refreshUrl' in page) {
        return page.refreshUrl === null
          ? html(410, 'Link expired', '<p>Ask for a new link.</p>')
          : redirect(page.refreshUrl);
      }
      if (method !== 'POST') return html(200, 'Onboarding', form(page));
      completeOnboarding(session, page, token);
      return page.returnUrl === null
        ? html(200, 'Done', '<p>Everything that was due is given.</p>')
        : redirect(page.returnUrl);
    });
  } catch (error) {
    if (error instanceof ApiError) return html(error.status, 'Link not valid', `<p>${escape(error.message)}</p>`);
    throw error;
  }
}

function form({ row, due }: OnboardingPage): string {
  const items = due.map((name) => `<li><code>${escape(name)}</code></li>`).join('');
  return `<p>Account <code>${escape(row.body.id)}</code> owes:</p>
    <ul>${items || '<li>nothing</li>'}</ul>
    <form method="post"><button type="submit">Fill in test data and submit</button></form>`;
}

function html(status: number, title: string, content: string): PageAnswer {
  const body = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · Stripe simulator</title>
    <style>body{font:16px system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}</style></head>
    <body><h1>${title}</h1>${content}</body></html>`;
  return { status, body, headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' } };
}

function redirect(url: string): PageAnswer {
  return { status: 303, body: '', headers: { Location: url, 'Content-Type': 'text/plain' } };
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
