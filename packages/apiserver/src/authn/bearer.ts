import { errors } from '@kubelab/api';
import type { ApiRequest } from '../core/messages.ts';

const TOKEN_LENGTH_MAX = 16 * 1024;
const WEBSOCKET_TOKEN = 'base64url.bearer.authorization.k8s.io.';

/**
 * The token of a request; undefined when it carries none. Any other kind of authorization is a credential we
 * cannot check: 401.
 */
export function bearerToken({
  headers,
  isUpgrade,
}: Pick<ApiRequest, 'headers' | 'isUpgrade'>): string | undefined {
  const authorization = headers['authorization'];
  if (authorization === undefined)
    return isUpgrade === true ? tokenOfProtocols(headers['sec-websocket-protocol']) : undefined;
  const match = /^Bearer +([^\s]+)\s*$/i.exec(authorization.slice(0, TOKEN_LENGTH_MAX + 16));
  const token = match?.[1];
  if (token === undefined || token.length > TOKEN_LENGTH_MAX) throw errors.unauthorized();
  return token;
}

/** Browsers cannot set headers on a WebSocket: there the token travels as a protocol name. */
function tokenOfProtocols(protocols: string | undefined): string | undefined {
  const found = protocols
    ?.split(',')
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(WEBSOCKET_TOKEN));
  if (found === undefined) return undefined;
  const token = Buffer.from(found.slice(WEBSOCKET_TOKEN.length), 'base64url').toString();
  if (token === '' || token.length > TOKEN_LENGTH_MAX) throw errors.unauthorized();
  return token;
}
