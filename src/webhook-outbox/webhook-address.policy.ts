import { BlockList, isIP } from 'node:net';

// Everything that is not the public internet: https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-.
const forbidden = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local; cloud metadata lives here
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  forbidden.addSubnet(network, prefix, 'ipv4');
}
forbidden.addAddress('168.63.129.16', 'ipv4'); // Azure's own services, at an address that looks public

const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23], // protocol assignments, Teredo tunnels
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: an IPv4 address in disguise
  ['3fff::', 20],
] as const) {
  forbidden.addSubnet(network, prefix, 'ipv6');
}

/** True for an address of the public internet. IPv4 inside IPv6 is never public: no honest name resolves to it. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !forbidden.check(address, 'ipv4');
    case 6:
      return publicIpv6.check(address, 'ipv6') && !forbidden.check(address, 'ipv6');
    default:
      return false;
  }
}

/** True when we may connect to `address`, to which `host` resolved. `allowedHosts` are names or addresses the operator trusts. */
export function mayReach(host: string, address: string, allowedHosts: readonly string[]): boolean {
  return isPublicAddress(address) || allowedHosts.includes(host) || allowedHosts.includes(address);
}

/** Why this URL cannot be a webhook endpoint, or undefined. What a name resolves to is checked at each delivery, for it may change. */
export function refusalOfUrl(text: string, allowedHosts: readonly string[]): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  const host = hostOf(url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https://';
  if (url.username || url.password) return 'must not hold a user name or password';
  if (url.hash) return 'must not hold a fragment';
  if (isIP(host) !== 0 && !mayReach(host, host, allowedHosts))
    return 'must not point to a private, local or reserved address';
  if (/(^|\.)(localhost|internal|local)\.?$/.test(host) && !allowedHosts.includes(host))
    return 'must not point to a private name';
  if (url.protocol === 'http:' && !allowedHosts.includes(host)) return 'must begin with https://';
  return undefined;
}

/** The host without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
