import { customerOf, networkOf, plainAddress } from './client-address';

describe('the address of a client', () => {
  it.each([
    ['203.0.113.77', '203.0.113.77', '203.0.113.0/24', '203.0.113.77'],
    ['::ffff:203.0.113.77', '203.0.113.77', '203.0.113.0/24', '203.0.113.77'],
    [
      '2001:0db8:85a3:0012::8a2e:370:7334',
      '2001:0db8:85a3:0012::8a2e:370:7334',
      '2001:db8:85a3::/48',
      '2001:db8:85a3:12::/64',
    ],
    ['2001:db8::1', '2001:db8::1', '2001:db8:0::/48', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80:0:0::/48', 'fe80:0:0:0::/64'],
    ['::1', '::1', '0:0:0::/48', '0:0:0:0::/64'],
    ['unknown', null, null, 'unknown'],
  ])('%s is %s, in %s, and one customer %s', (address, plain, network, customer) => {
    expect([plainAddress(address), networkOf(address), customerOf(address)]).toEqual([plain, network, customer]);
  });
});
