import { BlockList, isIP } from 'node:net';

const LOOPBACK_NAMES = new Set(['localhost', 'ip6-localhost']);

/** An IPv4 address that came over an IPv6 socket, as IPv4; anything else unchanged. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/** The address in the form it is stored and compared in, `undefined` when it isn't an IP address. */
export function normaliseAddress(text: string | undefined): string | undefined {
  const address = unmapped(text?.trim() ?? '');
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  return address.toLowerCase();
}

export function isLoopback(host: string): boolean {
  const address = normaliseAddress(host);
  if (address === undefined) return LOOPBACK_NAMES.has(host.toLowerCase()) || host.toLowerCase().endsWith('.localhost');
  return address.startsWith('127.') || address === '::1';
}

/** The host of `host:port`, without the brackets of an IPv6 address. */
export function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

type Network = { address: string; prefix: number; family: 'ipv4' | 'ipv6' };

function networkOf(entry: string): Network | undefined {
  const [text = '', prefixText, ...rest] = entry.split('/');
  const address = normaliseAddress(text);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = isIP(address) === 6 ? 128 : 32;
  const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : NaN;
  if (!(prefix <= bits)) return undefined;
  return { address, prefix, family: bits === 128 ? 'ipv6' : 'ipv4' };
}

function entriesOf(trustList: string): string[] {
  const entries = trustList.split(',').map((entry) => entry.trim());
  return entries.flatMap((entry) => (entry === 'loopback' ? ['127.0.0.0/8', '::1'] : entry));
}

export function isTrustList(text: string): boolean {
  return text.trim() === 'none' || entriesOf(text).every((entry) => networkOf(entry) !== undefined);
}

/** Whether a range of the list, however it is written, holds every address. */
export function trustsEverybody(trustList: string): boolean {
  return entriesOf(trustList).some((entry) => networkOf(entry)?.prefix === 0);
}

/** Whether a peer is among the proxies of a list like `loopback,10.0.0.0/8`; `none` trusts nobody. */
export function trustedPeers(trustList: string): (peer: string | undefined) => boolean {
  const trusted = new BlockList();
  if (trustList.trim() !== 'none')
    for (const entry of entriesOf(trustList)) {
      const network = networkOf(entry);
      if (!network) throw new Error(`"${entry}" is not an IP address or range`);
      trusted.addSubnet(network.address, network.prefix, network.family);
    }
  return (peer) => {
    const address = normaliseAddress(peer);
    return address !== undefined && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  };
}

export interface AddressSources {
  peer: string | undefined;
  realIp?: string | string[] | undefined;
  forwardedFor?: string | string[] | undefined;
}

function first(header: string | string[] | undefined): string | undefined {
  return (Array.isArray(header) ? header[0] : header)?.split(',')[0];
}

/**
 * The caller's address: behind a trusted proxy a valid X-Real-IP, else a valid first entry of X-Forwarded-For, else the
 * peer's own; `null` when there is none.
 */
export function clientAddress(
  sources: AddressSources,
  isTrusted: (peer: string | undefined) => boolean,
): string | null {
  const peer = normaliseAddress(sources.peer) ?? null;
  if (!isTrusted(sources.peer)) return peer;
  const realIp = Array.isArray(sources.realIp) ? undefined : sources.realIp;
  return normaliseAddress(realIp) ?? normaliseAddress(first(sources.forwardedFor)) ?? peer;
}
