import { networkOf, plainAddress } from '../http/client-address';
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

/** An address as the policy wants it; truncated is the network it is in. */
function keptAddress(address: string | undefined, policy: AuditIpPolicy): string | null {
  if (policy === 'none' || address === undefined) return null;
  return policy === 'full' ? plainAddress(address) : networkOf(address);
}

function keptUserAgent(header: string | undefined): string | null {
  const text = (header ?? '').replace(/[^\x20-\x7e]/g, '').trim();
  return text === '' ? null : text.slice(0, userAgentMax);
}
