import { isPublicAddress, mayReach, refusalOfUrl } from './webhook-address.policy';

describe('where webhooks may go', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    'fe80::1',
    'fd00:ec2::254',
    '2002:7f00:1::',
    '2001:db8::1',
    'not an address',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['8.8.8.8', '172.32.0.1', '2606:4700:4700::1111'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    ['https://example.com/hooks', undefined],
    ['http://example.com/hooks', /https/],
    ['https://user:pass@example.com', /user name/],
    ['https://example.com/#here', /fragment/],
    ['ftp://example.com', /https/],
    ['javascript:alert(1)', /https/],
    ['https://2130706433/', /private/], // 127.0.0.1 as one number
    ['https://0x7f.1/', /private/],
    ['https://[::1]/', /private/],
    ['https://[::ffff:10.0.0.1]/', /private/],
    ['https://metadata.google.internal/', /private name/],
    ['https://printer.local/', /private name/],
    ['https://localhost:8443/', /private name/],
    ['nonsense', /not a URL/],
  ])('%s', (url, refusal) => {
    const answer = refusalOfUrl(url, []);

    if (refusal === undefined) expect(answer).toBeUndefined();
    else expect(answer).toMatch(refusal);
  });

  it('lets the operator trust a host, and only that one', () => {
    const allowed = ['127.0.0.1', 'localhost'];

    expect(refusalOfUrl('http://127.0.0.1:8080/hooks', allowed)).toBeUndefined();
    expect(refusalOfUrl('http://localhost:8080/hooks', allowed)).toBeUndefined();
    expect(refusalOfUrl('http://127.0.0.2/hooks', allowed)).toMatch(/private/);
    expect(mayReach('rebound.example.com', '169.254.169.254', allowed)).toBe(false);
    expect(mayReach('localhost', '127.0.0.1', allowed)).toBe(true);
  });
});
