import { isIPv4, isIPv6 } from 'node:net';

/** One form for an address: no IPv4 inside IPv6, no zone. Null for what is none. */
export function plainAddress(address: string): string | null {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return isIPv4(plain) || isIPv6(plain) ? plain : null;
}

/** The network that a provider gives to many customers, /24 or /48: tells an office from elsewhere, and no person. */
export function networkOf(address: string): string | null {
  const plain = plainAddress(address);
  if (plain === null) return null;
  return isIPv4(plain) ? `${plain.split('.').slice(0, 3).join('.')}.0/24` : firstGroups(plain, 3);
}

/** One customer, for counting: with IPv6 everybody has a /64 and can take another of its addresses for each request. */
export function customerOf(address: string): string {
  const plain = plainAddress(address);
  return plain !== null && isIPv6(plain) ? firstGroups(plain, 4) : (plain ?? address);
}

/** `2001:db8::1` begins with 2001, db8 and 0. */
function firstGroups(address: string, count: number): string {
  const [head = '', tail] = address.split('::', 2);
  const groupsOf = (part: string | undefined) => (part ? part.split(':') : []);
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const gap = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(gap).fill('0'), ...after].slice(0, count);
  return `${groups.map((group) => parseInt(group, 16).toString(16)).join(':')}::/${count * 16}`;
}
