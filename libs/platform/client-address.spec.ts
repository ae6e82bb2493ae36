import { clientAddress, isLoopback, isTrustList, normaliseAddress, trustedPeers } from './client-address.js';

const trusted = trustedPeers('loopback,10.0.0.0/8,2001:db8::/32');
const proxy = '10.9.8.7';

describe('MG-012 the address of a caller', () => {
  it('is a valid X-Real-IP that a trusted proxy sets', () => {
    expect(clientAddress({ peer: proxy, realIp: '192.0.2.1', forwardedFor: '198.51.100.1' }, trusted)).toBe(
      '192.0.2.1',
    );
    expect(clientAddress({ peer: '127.0.0.1', realIp: ' 192.0.2.1 ' }, trusted)).toBe('192.0.2.1');
  });

  it.each([undefined, '', '  ', 'nonsense', '300.1.1.1', ['192.0.2.1', '192.0.2.2']])(
    'is the first of X-Forwarded-For when X-Real-IP is %j',
    (realIp) => {
      expect(clientAddress({ peer: proxy, realIp, forwardedFor: '198.51.100.1, 10.0.0.1' }, trusted)).toBe(
        '198.51.100.1',
      );
    },
  );

  it.each([undefined, '', 'nonsense, 198.51.100.1', ', 198.51.100.1'])(
    'is the peer when X-Forwarded-For is %j too',
    (forwardedFor) => {
      expect(clientAddress({ peer: proxy, realIp: 'nonsense', forwardedFor }, trusted)).toBe(proxy);
    },
  );

  it('is an IPv6 address as well', () => {
    expect(clientAddress({ peer: '::1', realIp: '2001:DB8::1' }, trusted)).toBe('2001:db8::1');
    expect(clientAddress({ peer: '2001:db8::9', forwardedFor: '2001:db8:1::2' }, trusted)).toBe('2001:db8:1::2');
  });

  it('is the peer when the peer is not trusted, whatever it says', () => {
    expect(clientAddress({ peer: '203.0.113.5', realIp: '10.0.0.1', forwardedFor: '10.0.0.1' }, trusted)).toBe(
      '203.0.113.5',
    );
    expect(clientAddress({ peer: '127.0.0.1', realIp: '10.0.0.1' }, trustedPeers('none'))).toBe('127.0.0.1');
  });

  it('is null when there is none', () => {
    expect(clientAddress({ peer: undefined, realIp: '10.0.0.1' }, trusted)).toBeNull();
  });

  it('is IPv4 when it came mapped into IPv6', () => {
    expect(clientAddress({ peer: '::ffff:10.1.1.1', realIp: '::ffff:192.0.2.1' }, trusted)).toBe('192.0.2.1');
  });

  it('carries no zone and no port', () => {
    expect(normaliseAddress('fe80::1%eth0')).toBeUndefined();
    expect(normaliseAddress('192.0.2.1:80')).toBeUndefined();
  });
});

describe('the list of trusted proxies', () => {
  it.each(['none', 'loopback', '10.0.0.1', '10.0.0.0/8', '::1', 'fc00::/7, loopback'])('may be %s', (text) => {
    expect(isTrustList(text)).toBe(true);
  });

  it.each(['', 'true', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'proxy.example', 'loopback,', '10.0.0.0/-1'])(
    'may not be "%s"',
    (text) => {
      expect(isTrustList(text)).toBe(false);
      expect(() => trustedPeers(text)).toThrow(/not an IP address or range/);
    },
  );

  it('knows what loopback is', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'LOCALHOST', 'x.localhost', '::ffff:127.0.0.1'])
      expect(isLoopback(host)).toBe(true);
    for (const host of ['10.0.0.1', '0.0.0.0', '::', 'localhost.example', '127.0.0.1.example', ''])
      expect(isLoopback(host)).toBe(false);
  });
});
