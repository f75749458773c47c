import { isIPv4, isIPv6 } from 'node:net';
import type { MarkedRequest } from '../http/request.types';
import type { AuditIpPolicy, AuditOrigin } from './audit-log.types';

const userAgentMax = 200;

/** Who asks and from where, as the log keeps it. */
export function originOf(request: MarkedRequest, ipPolicy: AuditIpPolicy): AuditOrigin {
  const { apiKey } = request;
  return {
    actorType: apiKey ? 'api_key' : 'anonymous',
    actorId: apiKey?.id ?? null,
    actorRole: apiKey?.role ?? null,
    ip: keptAddress(request.ip, ipPolicy),
    userAgent: keptUserAgent(request.headers['user-agent']),
    requestId: request.id,
  };
}

/**
 * An address as the policy wants it. Truncated is the network it is in, /24 or /48: enough to tell an office from elsewhere, too
 * little to tell a person.
 */
export function keptAddress(address: string | undefined, policy: AuditIpPolicy): string | null {
  if (policy === 'none' || address === undefined) return null;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (isIPv4(plain)) return policy === 'full' ? plain : `${plain.split('.').slice(0, 3).join('.')}.0/24`;
  if (!isIPv6(plain)) return null;
  if (policy === 'full') return plain;
  return `${groupsOf(plain).slice(0, 3).join(':')}::/48`;
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('::', 2);
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const [before, after] = [groups(head), groups(tail)];
  const gap = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array<string>(gap).fill('0'), ...after].map((group) => group.replace(/^0+(?=.)/, ''));
}

function keptUserAgent(header: string | undefined): string | null {
  const text = (header ?? '').replace(/[^\x20-\x7e]/g, '').trim();
  return text === '' ? null : text.slice(0, userAgentMax);
}
