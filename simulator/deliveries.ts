import { realNowMs } from './clock';
import type { Row, StoredEvent } from './kinds';
import type { Session } from './session';

/** One row per endpoint that listens to the event; the delivery itself happens after the commit. */
export function enqueueDeliveries(session: Session, event: StoredEvent): void {
  const { platform } = session;
  for (const { account, endpoint } of listeners(session, event)) {
    session.db.run(
      `insert into deliveries (platform, account, event, endpoint, url, status, next_attempt_ms)
       values (?, ?, ?, ?, ?, 'pending', ?)`,
      ...[platform.id, account, event.id, endpoint.body.id, endpoint.body.url, realNowMs()],
    );
  }
  session.db.onCommit(() => session.outside.wakeDeliveries());
}

interface Listener {
  /** Whose endpoint it is: the platform's, or the connected account's own. */
  account: string;
  endpoint: Row<'webhook_endpoint'>;
}

function listeners(session: Session, event: StoredEvent): Listener[] {
  const own = endpointsOf(session, session.account).filter(({ endpoint }) => !endpoint.hidden.connect);
  const connect = session.isPlatform
    ? []
    : endpointsOf(session, session.platform.id).filter(({ endpoint }) => endpoint.hidden.connect);
  return [...own, ...connect].filter(({ endpoint }) => listensTo(endpoint, event.type));
}

export function endpointsOf(session: Session, account: string): Listener[] {
  const { rows } = session.objects.page(account, 'webhook_endpoint', { limit: 100 });
  return rows.filter((row) => row.body.status === 'enabled').map((endpoint) => ({ account, endpoint }));
}

function listensTo(endpoint: Row<'webhook_endpoint'>, type: string): boolean {
  // The real-time request is asked of its own endpoint, and answered; it is never delivered as an ordinary event.
  if (type === 'issuing_authorization.request') return false;
  return endpoint.body.enabled_events.some((name) => name === '*' || name === type);
}

/** The endpoint that decides: the one that names the request, a Connect endpoint first for a connected account's card. */
export function findDecider(session: Session): Listener | undefined {
  const names = ({ endpoint }: Listener) => endpoint.body.enabled_events.includes('issuing_authorization.request');
  const platform = endpointsOf(session, session.platform.id).filter(names);
  if (session.isPlatform) return platform.find(({ endpoint }) => !endpoint.hidden.connect);
  const own = endpointsOf(session, session.account).filter(names);
  return platform.find(({ endpoint }) => endpoint.hidden.connect) ?? own[0] ?? platform[0];
}
