/**
 * The small checks everything else is made of. Validators are generators: each `yield`s the errors of its
 * part, in the order upstream reports them.
 */
import { isIP } from 'node:net';
import { type FieldError, invalid, notSupported, required } from '../field-errors.ts';
import { percentOf } from '../helpers/int-or-percent.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from '../names.ts';

export type Errors = Iterable<FieldError>;

/** One `Invalid` for each reason a name check gives. */
export function* because(field: string, value: unknown, reasons: readonly string[]): Errors {
  for (const reason of reasons) yield invalid(field, value, reason);
}

export function* nonNegative(field: string, value: number | undefined): Errors {
  if (value !== undefined && value < 0) yield invalid(field, value, 'must be greater than or equal to 0');
}

export function* positive(field: string, value: number | undefined): Errors {
  if (value !== undefined && value <= 0) yield invalid(field, value, 'must be greater than 0');
}

/** A closed set of words that must be given. */
export function* oneOf(field: string, value: string | undefined, supported: readonly string[]): Errors {
  if (value === undefined || value === '') yield required(field);
  else if (!supported.includes(value)) yield notSupported(field, value, supported);
}

/** The same, where leaving it out is fine. */
export function* optionalOneOf(
  field: string,
  value: string | undefined,
  supported: readonly string[],
): Errors {
  if (value !== undefined && !supported.includes(value)) yield notSupported(field, value, supported);
}

export function* present(field: string, value: unknown, detail = ''): Errors {
  if (value === undefined || value === null || value === '') yield required(field, detail);
}

export function* dnsLabel(field: string, value: string): Errors {
  yield* because(field, value, dns1123LabelErrors(value));
}

export function* dnsSubdomain(field: string, value: string): Errors {
  yield* because(field, value, dns1123SubdomainErrors(value));
}

export function* qualifiedName(field: string, value: string | undefined): Errors {
  yield* because(field, value ?? '', qualifiedNameErrors(value ?? ''));
}

/** A port by number or by name. */
export function* portNumberOrName(field: string, port: number | string | undefined): Errors {
  if (typeof port === 'string') yield* because(field, port, portNameErrors(port));
  else yield* because(field, port ?? 0, portNumberErrors(port ?? 0));
}

export function* portNumber(field: string, port: number | undefined): Errors {
  yield* because(field, port ?? 0, portNumberErrors(port ?? 0));
}

export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** `3` or `25%`, not negative. */
export function* intOrPercent(field: string, value: number | string | undefined): Errors {
  if (typeof value === 'number') yield* nonNegative(field, value);
  else if (value !== undefined && percentOf(value) === undefined) {
    const why =
      "a valid percent string must be a numeric string followed by an ending '%' " +
      "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    yield invalid(field, value, why);
  }
}

export function* notMoreThanAll(field: string, value: number | string | undefined): Errors {
  const percent = value === undefined ? undefined : percentOf(value);
  if (percent !== undefined && percent > 100) yield invalid(field, value, 'must not be greater than 100%');
}

export function* ipAddress(field: string, value: string | undefined): Errors {
  if (isIP(value ?? '') === 0) {
    yield invalid(field, value ?? '', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  }
}

const SPECIAL_IP = /^(0\.0\.0\.0$|127\.|169\.254\.|224\.0\.0\.|::$|::1$|fe80:|ff02:)/i;

/** No traffic from elsewhere can be sent there: unspecified, loopback, link-local. */
export function isSpecialIp(ip: string): boolean {
  return SPECIAL_IP.test(ip);
}

export function* cidr(field: string, value: string | undefined): Errors {
  if (!isCidr(value ?? '')) {
    yield invalid(field, value ?? '', 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  }
}

export function isCidr(value: string): boolean {
  const match = /^(.+)\/(\d{1,3})$/.exec(value);
  const family = isIP(match?.[1] ?? '');
  const bits = Number(match?.[2] ?? Number.NaN);
  return (family === 4 && bits <= 32) || (family === 6 && bits <= 128);
}

export function* immutable(field: string, value: unknown, old: unknown): Errors {
  if (!semanticEqual(value, old)) yield invalid(field, value, 'field is immutable');
}
